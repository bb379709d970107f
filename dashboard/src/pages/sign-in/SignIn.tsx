import { Alert, Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { dashboardPath } from "../../api/base";
import { setupQuery, useSignIn } from "../../api/session";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";
import { Door } from "./Door";
import { safeBack } from "./safeBack";

export function SignIn() {
  const { back } = useSearch({ strict: false });
  const router = useRouter();
  const signIn = useSignIn();
  const form = useForm({ initialValues: { email: "", password: "" } });
  const { onSubmit, problem, busy } = useSubmit(form, ["email", "password"], signIn.mutateAsync, () =>
    router.history.push(`${dashboardPath.replace(/\/$/, "")}${safeBack(back)}`),
  );
  return (
    <Door title="Sign in to Bellwire">
      <SetupHint />
      <form onSubmit={onSubmit} noValidate>
        <Stack>
          <FormProblem problem={problem} />
          <TextInput label="E-mail" type="email" autoComplete="username" autoFocus required withAsterisk={false} {...form.getInputProps("email")} />
          <PasswordInput label="Password" autoComplete="current-password" required withAsterisk={false} {...form.getInputProps("password")} />
          <Button type="submit" loading={busy} fullWidth>
            Sign in
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

function SetupHint() {
  const { data } = useQuery(setupQuery);
  if (!data?.needed) return null;
  return (
    <Alert color="teal" mb="md" title="Nobody can sign in yet">
      Open the setup link that <code>bellwire serve</code> printed when it started; it makes the first user.
    </Alert>
  );
}
