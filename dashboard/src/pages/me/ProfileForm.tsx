import { Button, Group, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { type UserChange, useChangeUser, useSession } from "../../api/session";
import { FormProblem } from "../../parts/FormProblem";
import { Panel } from "../../parts/Panel";
import { tell } from "../../parts/tell";
import { useSubmit } from "../../parts/useSubmit";

export function ProfileForm() {
  const { user } = useSession();
  const change = useChangeUser();
  const form = useForm({ initialValues: { name: user.name, email: user.email, current_password: "" } });
  const newEmail = form.values.email !== user.email;
  const { onSubmit, problem, busy } = useSubmit(
    form,
    ["name", "email", "current_password"],
    ({ name, email, current_password }) => {
      const said: UserChange = { name };
      if (newEmail) Object.assign(said, { email, current_password });
      return change.mutateAsync(said);
    },
    () => {
      form.setFieldValue("current_password", "");
      tell.done("Profile saved.");
    },
  );
  return (
    <Panel title="You">
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          <FormProblem problem={problem} />
          <TextInput label="Name" autoComplete="name" {...form.getInputProps("name")} />
          <TextInput label="E-mail" type="email" autoComplete="username" {...form.getInputProps("email")} />
          {newEmail && <PasswordInput label="Your password" description="Changing the e-mail needs it." autoComplete="current-password" {...form.getInputProps("current_password")} />}
          <Group justify="flex-end">
            <Button type="submit" loading={busy}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Panel>
  );
}
