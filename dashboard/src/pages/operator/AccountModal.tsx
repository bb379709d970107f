import { Button, Group, Modal, NumberInput, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { type Account, type Plan, useChangeAccount, useCreateAccount } from "../../api/accounts";
import { FormProblem } from "../../parts/FormProblem";
import { useSubmit } from "../../parts/useSubmit";

interface Props {
  /** What is edited; without it one is created. */
  account?: Account;
  opened: boolean;
  onClose: () => void;
}

const LIMITS: { name: Exclude<keyof Plan, "name">; label: string }[] = [
  { name: "max_apps", label: "Apps" },
  { name: "max_connections_per_app", label: "Connections an app" },
  { name: "max_messages_per_day", label: "Messages a day" },
  { name: "max_webhooks_per_app", label: "Webhooks an app" },
];

const FIELDS = ["name", "plan.name", ...LIMITS.map(({ name }) => `plan.${name}`)];
const FREE: Plan = { name: "Unlimited", max_apps: 0, max_connections_per_app: 0, max_messages_per_day: 0, max_webhooks_per_app: 0 };

export function AccountModal({ account, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={account ? `Edit ${account.name}` : "New account"} centered>
      <AccountForm account={account} onClose={onClose} />
    </Modal>
  );
}

function AccountForm({ account, onClose }: Omit<Props, "opened">) {
  const create = useCreateAccount();
  const change = useChangeAccount(account?.id ?? "");
  const form = useForm({ initialValues: { name: account?.name ?? "", plan: account?.plan ?? FREE } });
  const { onSubmit, problem, busy } = useSubmit(form, FIELDS, account ? change.mutateAsync : create.mutateAsync, onClose);
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack>
        <FormProblem problem={problem} />
        <TextInput label="Name" data-autofocus {...form.getInputProps("name")} />
        <TextInput label="Name of the plan" {...form.getInputProps("plan.name")} />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          {LIMITS.map(({ name, label }) => (
            <NumberInput key={name} label={label} description="0: no limit" min={0} allowDecimal={false} thousandSeparator="," {...form.getInputProps(`plan.${name}`)} />
          ))}
        </SimpleGrid>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy}>
            {account ? "Save" : "Create account"}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
