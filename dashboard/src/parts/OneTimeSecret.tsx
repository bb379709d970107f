import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { Code } from "./Code";
import { IconKey } from "./icons";

interface Shown {
  title: string;
  label: string;
  secret: string;
  note: string;
  warnings?: string[];
}

/** What is told once and never again: closed only by saying that it is kept. */
export function showOnce({ title, label, secret, note, warnings = [] }: Shown) {
  const id = modals.open({
    title,
    centered: true,
    closeOnClickOutside: false,
    closeOnEscape: false,
    withCloseButton: false,
    size: "lg",
    children: (
      <Stack>
        <Text size="sm">{note}</Text>
        <Code text={secret} label={label} />
        {warnings.map((warning) => (
          <Alert key={warning} color="orange">
            {warning}
          </Alert>
        ))}
        <Group justify="flex-end">
          <Button leftSection={<IconKey size={16} />} onClick={() => modals.close(id)}>
            I have kept it
          </Button>
        </Group>
      </Stack>
    ),
  });
}
