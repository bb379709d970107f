import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import type { Newcomer, Session } from "../../api/session";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";

interface Props {
  email?: string;
  label: string;
  send: (who: Newcomer) => Promise<Session>;
  done: () => void;
}

const FIELDS = ["name", "email", "password"] as const;

/** Who somebody is who has no user yet. */
export function NewcomerForm({ email, label, send, done }: Props) {
  const form = useForm<Newcomer>({ initialValues: { name: "", email: email ?? "", password: "" } });
  const { onSubmit, problem, busy } = useSubmit(form, FIELDS, send, done);
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="Your name" autoComplete="name" autoFocus {...form.getInputProps("name")} />
        <TextInput label="E-mail" type="email" autoComplete="username" {...form.getInputProps("email")} />
        <PasswordInput label="Password" autoComplete="new-password" {...form.getInputProps("password")} />
        <Button type="submit" loading={busy} fullWidth>
          {label}
        </Button>
      </Stack>
    </form>
  );
}
