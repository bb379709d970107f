import { Button, Text, Title } from "@mantine/core";
import { type Invitation, useInvitations, useWithdrawInvitation } from "../../api/people";
import { ROLES } from "../../format/role";
import { Loaded } from "../../parts/Loaded";
import { outcome } from "../../parts/tell";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { When } from "../../parts/When";

/** Invitations that nobody has accepted yet. */
export function Invitations({ account }: { account: string }) {
  const query = useInvitations(account, true);
  return (
    <section aria-label="Open invitations">
      <Title order={2} fz="md" mb="sm">
        Open invitations
      </Title>
      <Loaded query={query}>
        {(invitations) =>
          invitations.length === 0 ? (
            <Text size="sm" c="dimmed">
              None is open.
            </Text>
          ) : (
            <VirtualTable label="Open invitations" rows={invitations} rowKey={({ id }) => id} columns={columns(account)} />
          )
        }
      </Loaded>
    </section>
  );
}

const columns = (account: string): Column<Invitation>[] => [
  { key: "who", header: "For", width: "minmax(160px, 1.5fr)", render: ({ email }) => <Text span fw={550}>{email ?? "Whoever has the link"}</Text> },
  { key: "role", header: "Role", width: "120px", render: ({ role }) => ROLES.find(({ value }) => value === role)?.label },
  { key: "by", header: "Invited by", width: "minmax(120px, 1fr)", render: ({ invited_by }) => invited_by },
  { key: "until", header: "Valid", width: "110px", right: true, render: ({ expires_at }) => <When at={expires_at} relative /> },
  { key: "act", header: "Act", width: "110px", right: true, render: (invitation) => <Withdraw account={account} id={invitation.id} who={invitation.email} /> },
];

function Withdraw({ account, id, who }: { account: string; id: string; who: string | null }) {
  const withdraw = useWithdrawInvitation(account);
  return (
    <Button size="compact-xs" variant="default" loading={withdraw.isPending} onClick={() => withdraw.mutate(id, outcome("Invitation withdrawn."))} aria-label={`Withdraw the invitation for ${who ?? "whoever has the link"}`}>
      Withdraw
    </Button>
  );
}
