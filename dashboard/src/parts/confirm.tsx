import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";

interface Act {
  title: string;
  /** What will be, naming the thing. */
  body: string;
  label: string;
  onConfirm: () => void;
  harmless?: boolean;
}

/** Destructive acts ask once. */
export function confirm({ title, body, label, onConfirm, harmless }: Act) {
  modals.openConfirmModal({
    title,
    children: <Text size="sm">{body}</Text>,
    labels: { confirm: label, cancel: "Cancel" },
    confirmProps: { color: harmless ? "teal" : "red.9" },
    centered: true,
    onConfirm,
  });
}
