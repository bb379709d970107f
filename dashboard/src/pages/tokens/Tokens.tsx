import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type Token, useDeleteToken, useTokens } from "../../api/people";
import type { Membership } from "../../api/session";
import { may } from "../../format/role";
import { confirm } from "../../parts/confirm";
import { Empty } from "../../parts/Empty";
import { IconPlus, IconTicket } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Tag } from "../../parts/Status";
import { outcome } from "../../parts/tell";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { When } from "../../parts/When";
import { useCurrentAccount } from "../../shell/currentAccount";
import { NewToken } from "./NewToken";

export default function Tokens() {
  const current = useCurrentAccount();
  return current ? <TokensOf key={current.id} account={current} /> : null;
}

function TokensOf({ account }: { account: Membership }) {
  const query = useTokens(account.id);
  const [creating, { open, close }] = useDisclosure(false);
  const mayChange = may(account.role, "developer");
  const create = mayChange && (
    <Button leftSection={<IconPlus size={16} />} onClick={open}>
      New token
    </Button>
  );
  return (
    <Page title="API tokens" lead="For scripts that use the management API of this server, in the Authorization header as Bearer." actions={create}>
      <Loaded query={query}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Empty icon={IconTicket} title="No token yet">
              A token lets a script do what this dashboard does, within this account.
            </Empty>
          ) : (
            <VirtualTable label="API tokens" rows={tokens} rowKey={({ id }) => id} columns={columns(account.id, mayChange)} />
          )
        }
      </Loaded>
      <NewToken account={account.id} opened={creating} onClose={close} />
    </Page>
  );
}

const columns = (account: string, mayChange: boolean): Column<Token>[] => [
  { key: "name", header: "Name", width: "minmax(140px, 1.5fr)", render: ({ name }) => <b>{name}</b> },
  { key: "scope", header: "May", width: "140px", render: ({ scope }) => <Tag>{scope === "read" ? "read" : "read and change"}</Tag> },
  { key: "by", header: "Made by", width: "minmax(110px, 1fr)", render: ({ created_by }) => created_by },
  { key: "at", header: "Made", width: "110px", right: true, wideOnly: true, render: ({ created_at }) => <When at={created_at} relative /> },
  { key: "used", header: "Last used", width: "110px", right: true, render: ({ last_used_at }) => (last_used_at ? <When at={last_used_at} relative /> : "never") },
  ...(mayChange ? [{ key: "act", header: "Act", width: "100px", right: true, render: (token: Token) => <Remove account={account} token={token} /> }] : []),
];

function Remove({ account, token }: { account: string; token: Token }) {
  const remove = useDeleteToken(account);
  const ask = () =>
    confirm({ title: `Revoke ${token.name}?`, body: `Whatever uses the token ${token.name} is refused from now on.`, label: "Revoke token", onConfirm: () => remove.mutate(token.id, outcome("Token revoked.")) });
  return (
    <Button size="compact-xs" variant="default" onClick={ask} aria-label={`Revoke ${token.name}`}>
      Revoke
    </Button>
  );
}
