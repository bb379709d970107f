import { Button, Group, Modal, Radio, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { type TokenScope, useCreateToken } from "../../api/people";
import { FormProblem } from "../../parts/FormProblem";
import { showOnce } from "../../parts/OneTimeSecret";
import { useSubmit } from "../../parts/useSubmit";

interface Props {
  account: string;
  opened: boolean;
  onClose: () => void;
}

export function NewToken({ account, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="New API token" centered>
      <TokenForm account={account} onClose={onClose} />
    </Modal>
  );
}

function TokenForm({ account, onClose }: Omit<Props, "opened">) {
  const create = useCreateToken(account);
  const form = useForm<{ name: string; scope: TokenScope }>({ initialValues: { name: "", scope: "read" } });
  const { onSubmit, problem, busy } = useSubmit(form, ["name", "scope"], create.mutateAsync, ({ name, token }) => {
    onClose();
    showOnce({ title: `The token ${name}`, label: "token", secret: token, note: "Whoever has it may use the management API in this account's name. It is shown now and never again." });
  });
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="Name" placeholder="Deploy script" data-autofocus {...form.getInputProps("name")} />
        <Radio.Group label="It may" {...form.getInputProps("scope")}>
          <Stack gap="xs" mt="xs">
            <Radio value="read" label="Read" description="Lists, details, statistics; no secrets" />
            <Radio value="write" label="Read and change" description="Also apps, webhooks, replays, events" />
          </Stack>
        </Radio.Group>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Create token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
