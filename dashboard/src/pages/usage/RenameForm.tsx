import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { type Account, useChangeAccount } from "../../api/accounts";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";

export function RenameForm({ account, onClose }: { account: Account; onClose: () => void }) {
  const change = useChangeAccount(account.id);
  const form = useForm({ initialValues: { name: account.name } });
  const { onSubmit, problem, busy } = useSubmit(form, ["name"], change.mutateAsync, onClose);
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="Name" data-autofocus {...form.getInputProps("name")} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Rename
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
