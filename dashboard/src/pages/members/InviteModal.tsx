import { Button, Group, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useInvite } from "../../api/people";
import type { Membership, Role } from "../../api/session";
import { moment } from "../../format/moment";
import { ROLES } from "../../format/role";
import { Code } from "../../parts/Code";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";

interface Props {
  account: Membership;
  opened: boolean;
  onClose: () => void;
}

export function InviteModal({ account, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Invite somebody to ${account.name}`} centered>
      <InviteForm account={account} onClose={onClose} />
    </Modal>
  );
}

function InviteForm({ account, onClose }: Omit<Props, "opened">) {
  const invite = useInvite(account.id);
  const [made, setMade] = useState<{ link: string; expires_at: string }>();
  const form = useForm<{ email: string; role: Role }>({ initialValues: { email: "", role: "developer" } });
  const { onSubmit, problem, busy } = useSubmit(form, ["email", "role"], ({ email, role }) => invite.mutateAsync({ role, email: email || undefined }), setMade);
  if (made) {
    return (
      <Stack>
        <Text size="sm">Send this link to whom you invite. It is shown only now, works once, and until {moment(made.expires_at)}.</Text>
        <Code text={made.link} label="invitation link" />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="E-mail" type="email" description="Empty: whoever has the link may join." data-autofocus {...form.getInputProps("email")} />
        <Radio.Group label="Role" {...form.getInputProps("role")}>
          <Stack gap="xs" mt="xs">
            {ROLES.map(({ value, label, means }) => (
              <Radio key={value} value={value} label={label} description={means} />
            ))}
          </Stack>
        </Radio.Group>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            Make the link
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
