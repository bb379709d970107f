import { Button, NativeSelect, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type Member, useChangeMember, useMembers, useRemoveMember } from "../../api/people";
import { type Membership, type Role, useSession } from "../../api/session";
import { may, ROLES } from "../../format/role";
import { confirm } from "../../parts/confirm";
import { IconPlus } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { outcome } from "../../parts/tell";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { When } from "../../parts/When";
import { useCurrentAccount } from "../../shell/currentAccount";
import { Invitations } from "./Invitations";
import { InviteModal } from "./InviteModal";

export default function Members() {
  const current = useCurrentAccount();
  return current ? <MembersOf key={current.id} account={current} /> : null;
}

function MembersOf({ account }: { account: Membership }) {
  const query = useMembers(account.id);
  const [inviting, { open, close }] = useDisclosure(false);
  const isOwner = may(account.role, "owner");
  return (
    <Page
      title="Members"
      lead={`Who may work in ${account.name}.`}
      actions={
        isOwner && (
          <Button leftSection={<IconPlus size={16} />} onClick={open}>
            Invite somebody
          </Button>
        )
      }
    >
      <Stack gap="lg">
        <Loaded query={query}>
          {(members) => <VirtualTable label="Members" rows={members} rowKey={(member) => member.user_id} columns={columns(account.id, isOwner)} />}
        </Loaded>
        {isOwner && <Invitations account={account.id} />}
      </Stack>
      <InviteModal account={account} opened={inviting} onClose={close} />
    </Page>
  );
}

const columns = (account: string, isOwner: boolean): Column<Member>[] => [
  { key: "name", header: "Name", width: "minmax(140px, 1.2fr)", render: (member) => <Named member={member} /> },
  { key: "email", header: "E-mail", width: "minmax(160px, 1.5fr)", render: ({ email }) => email },
  { key: "role", header: "Role", width: "150px", render: (member) => <RoleOf account={account} member={member} mayChange={isOwner} /> },
  { key: "joined", header: "Joined", width: "120px", right: true, wideOnly: true, render: ({ joined_at }) => <When at={joined_at} relative /> },
  ...(isOwner ? [{ key: "act", header: "Act", width: "100px", right: true, render: (member: Member) => <Remove account={account} member={member} /> }] : []),
];

function Named({ member }: { member: Member }) {
  const { user } = useSession();
  return (
    <Text span fw={550}>
      {member.name}
      {member.user_id === user.id && " (you)"}
    </Text>
  );
}

function RoleOf({ account, member, mayChange }: { account: string; member: Member; mayChange: boolean }) {
  const change = useChangeMember(account);
  if (!mayChange) return ROLES.find(({ value }) => value === member.role)?.label;
  return (
    <NativeSelect
      size="xs"
      aria-label={`Role of ${member.name}`}
      value={member.role}
      data={ROLES.map(({ value, label }) => ({ value, label }))}
      onChange={(event) => change.mutate({ user: member.user_id, role: event.currentTarget.value as Role }, outcome(`The role of ${member.name} is changed.`))}
    />
  );
}

function Remove({ account, member }: { account: string; member: Member }) {
  const remove = useRemoveMember(account);
  const ask = () =>
    confirm({ title: `Remove ${member.name}?`, body: `${member.name} no longer sees this account. An invitation lets them in again.`, label: "Remove member", onConfirm: () => remove.mutate(member.user_id, outcome(`${member.name} is removed.`)) });
  return (
    <Button size="compact-xs" variant="default" onClick={ask} aria-label={`Remove ${member.name}`}>
      Remove
    </Button>
  );
}
