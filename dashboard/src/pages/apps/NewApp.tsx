import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useNavigate } from "@tanstack/react-router";
import { useCreateApp } from "../../api/apps";
import type { Membership } from "../../api/session";
import { FormProblem } from "../../parts/FormProblem";
import { showOnce } from "../../parts/OneTimeSecret";
import { useSubmit } from "../../parts/useSubmit";

interface Props {
  account: Membership;
  opened: boolean;
  onClose: () => void;
}

export function NewApp({ account, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={`New app in ${account.name}`} centered>
      <NewAppForm account={account} onClose={onClose} />
    </Modal>
  );
}

function NewAppForm({ account, onClose }: Omit<Props, "opened">) {
  const create = useCreateApp();
  const navigate = useNavigate();
  const form = useForm({ initialValues: { name: "", cluster: "" } });
  const { onSubmit, problem, busy } = useSubmit(
    form,
    ["name", "cluster"],
    ({ name, cluster }) => create.mutateAsync({ account_id: account.id, name, cluster: cluster || undefined }),
    (app) => {
      onClose();
      void navigate({ to: "/apps/$appId/getting-started", params: { appId: app.id } });
      showOnce({
        title: `${app.name} is ready`,
        label: "app secret",
        secret: app.secret,
        note: `The secret of key ${app.key ?? ""}. Your server signs with it; it must never reach a browser. Developers can look it up under App keys.`,
      });
    },
  );
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="Name" placeholder="Chat" data-autofocus {...form.getInputProps("name")} />
        <TextInput
          label="Cluster"
          description="A name that SDKs want and this server does not use; leave it empty."
          placeholder="self"
          {...form.getInputProps("cluster")}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Create app
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
