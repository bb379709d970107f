import { Button, Group, Modal, NumberInput, Stack, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useRotateSecret, type Webhook } from "../../api/webhooks";
import { moment } from "../../format/moment";
import { FormProblem } from "../../parts/FormProblem";
import { showOnce } from "../../parts/OneTimeSecret";
import { useSubmit } from "../../parts/useSubmit";

interface Props {
  webhook: Webhook;
  opened: boolean;
  onClose: () => void;
}

export function RotateModal({ webhook, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Replace the signing secret" centered>
      <RotateForm webhook={webhook} onClose={onClose} />
    </Modal>
  );
}

function RotateForm({ webhook, onClose }: Omit<Props, "opened">) {
  const rotate = useRotateSecret(webhook.app_id, webhook.id);
  const form = useForm<{ overlap_hours: number | "" }>({ initialValues: { overlap_hours: 24 } });
  const { onSubmit, problem, busy } = useSubmit(
    form,
    ["overlap_hours"],
    ({ overlap_hours }) => rotate.mutateAsync(Number(overlap_hours)),
    ({ secret, overlap_until }) => {
      onClose();
      showOnce({
        title: "The new signing secret",
        label: "signing secret",
        secret,
        note: `It signs from now on. The older one signs too until ${moment(overlap_until)}. It is not shown again.`,
      });
    },
  );
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <Text size="sm">Requests are signed with both secrets for a while, so that the receiver can change in peace.</Text>
        <NumberInput label="Both sign for" suffix=" h" min={0} data-autofocus {...form.getInputProps("overlap_hours")} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Replace secret
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
