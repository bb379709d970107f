import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { type Account, useAccounts, useDeleteAccount } from "../../api/accounts";
import { useSession } from "../../api/session";
import { count } from "../../format/number";
import { confirm } from "../../parts/confirm";
import { Empty } from "../../parts/Empty";
import { IconPlus, IconShield } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { outcome } from "../../parts/tell";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { chooseAccount } from "../../shell/currentAccount";
import { AccountModal } from "./AccountModal";

export default function Accounts() {
  const { user } = useSession();
  return user.operator ? <AllAccounts /> : <NotForYou />;
}

function AllAccounts() {
  const query = useAccounts();
  const [editing, setEditing] = useState<Account>();
  const [opened, { open, close }] = useDisclosure(false);
  const edit = (account?: Account) => {
    setEditing(account);
    open();
  };
  return (
    <Page
      title="All accounts"
      lead="Who uses this server, and what their plans allow."
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={() => edit()}>
          New account
        </Button>
      }
    >
      <Loaded query={query}>{(accounts) => <VirtualTable label="Accounts" rows={accounts} rowKey={({ id }) => id} columns={columns(edit)} />}</Loaded>
      <AccountModal key={editing?.id ?? "new"} account={editing} opened={opened} onClose={close} />
    </Page>
  );
}

const limit = (n: number) => (n === 0 ? "no limit" : count(n));

const columns = (edit: (account: Account) => void): Column<Account>[] => [
  { key: "name", header: "Account", width: "minmax(140px, 1.5fr)", render: (account) => <b>{account.name}</b> },
  { key: "plan", header: "Plan", width: "minmax(90px, 1fr)", render: ({ plan }) => plan.name || "–" },
  { key: "apps", header: "Apps", width: "80px", right: true, render: ({ plan }) => limit(plan.max_apps) },
  { key: "connections", header: "Connections an app", width: "140px", right: true, wideOnly: true, render: ({ plan }) => limit(plan.max_connections_per_app) },
  { key: "messages", header: "Messages a day", width: "130px", right: true, wideOnly: true, render: ({ plan }) => limit(plan.max_messages_per_day) },
  { key: "act", header: "Act", width: "210px", right: true, render: (account) => <Acts account={account} onEdit={() => edit(account)} /> },
];

function Acts({ account, onEdit }: { account: Account; onEdit: () => void }) {
  const remove = useDeleteAccount();
  const navigate = useNavigate();
  const enter = () => {
    chooseAccount(account.id);
    void navigate({ to: "/" });
  };
  const ask = () =>
    confirm({ title: `Delete ${account.name}?`, body: `The account ${account.name}, its members' access, tokens and audit log are gone. Its apps must be deleted before.`, label: "Delete account", onConfirm: () => remove.mutate(account.id, outcome(`${account.name} is deleted.`)) });
  return (
    <Button.Group style={{ justifyContent: "flex-end" }}>
      <Button size="compact-xs" variant="default" onClick={enter} aria-label={`Show the apps of ${account.name}`}>
        Apps
      </Button>
      <Button size="compact-xs" variant="default" onClick={onEdit} aria-label={`Edit ${account.name}`}>
        Edit
      </Button>
      <Button size="compact-xs" variant="default" onClick={ask} aria-label={`Delete ${account.name}`}>
        Delete
      </Button>
    </Button.Group>
  );
}

function NotForYou() {
  return (
    <Page title="All accounts">
      <Empty icon={IconShield} title="This page is for operators">
        Operators run this server; your accounts are in the switcher on the left.
      </Empty>
    </Page>
  );
}
