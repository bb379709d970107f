import { Button, Group, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useChangeUser } from "../../api/session";
import { FormProblem } from "../../parts/FormProblem";
import { Panel } from "../../parts/Panel";
import { tell } from "../../parts/tell";
import { useSubmit } from "../../parts/useSubmit";

export function PasswordForm() {
  const change = useChangeUser();
  const form = useForm({ initialValues: { current_password: "", password: "" } });
  const { onSubmit, problem, busy } = useSubmit(form, ["current_password", "password"], change.mutateAsync, () => {
    form.reset();
    tell.done("Password changed; your other sessions are signed out.");
  });
  return (
    <Panel title="Password" lead="Changing it signs out your other sessions.">
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          <FormProblem problem={problem} />
          <PasswordInput label="Password now" autoComplete="current-password" {...form.getInputProps("current_password")} />
          <PasswordInput label="New password" autoComplete="new-password" {...form.getInputProps("password")} />
          <Group justify="flex-end">
            <Button type="submit" loading={busy}>
              Change password
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}
