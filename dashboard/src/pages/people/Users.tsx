import { Button } from "@mantine/core";
import { useApp } from "../../api/apps";
import { type SignedInUser, useDisconnectUser, useSignedInUsers } from "../../api/live";
import { plural } from "../../format/number";
import { may } from "../../format/role";
import { confirm } from "../../parts/confirm";
import { Empty } from "../../parts/Empty";
import { IconUsers } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { RowLink } from "../../parts/RowLink";
import { tell } from "../../parts/tell";
import type { Column } from "../../parts/VirtualTable";

const columns = (appId: string, mayEnd: boolean): Column<SignedInUser>[] => [
  {
    key: "id",
    header: "User id",
    width: "minmax(160px, 2fr)",
    render: ({ id }) => (
      <RowLink to="/apps/$appId/people" params={{ appId }} search={{ tab: "connections", q: id }}>
        {id}
      </RowLink>
    ),
  },
  { key: "connections", header: "Connections", width: "150px", right: true, render: ({ connections }) => plural(connections, "connection") },
  ...(mayEnd ? [{ key: "end", header: "Act", width: "130px", right: true, render: ({ id }: SignedInUser) => <EndUser appId={appId} user={id} /> }] : []),
];

export function Users({ appId, q }: { appId: string; q: string }) {
  const role = useApp(appId).data?.role;
  const listing = useSignedInUsers(appId, q);
  return (
    <Listed
      label="Signed-in users"
      listing={listing}
      columns={columns(appId, may(role, "developer"))}
      rowKey={({ id }) => id}
      empty={
        <Empty icon={IconUsers} title={q ? "No signed-in user's id has that in it" : "Nobody is signed in now"}>
          Clients sign in with pusher.signin(); connections that did not are under Connections.
        </Empty>
      }
    />
  );
}

function EndUser({ appId, user }: { appId: string; user: string }) {
  const end = useDisconnectUser(appId);
  const run = () =>
    end.mutate(user, {
      onSuccess: ({ connections }) => void tell.done(`${user} is disconnected: ${plural(connections, "connection")} closed.`),
      onError: (error) => void tell.trouble(error),
    });
  const ask = () =>
    confirm({ title: `Disconnect ${user}?`, body: `All connections of ${user} are closed. Their client may connect again unless your server refuses it.`, label: "Disconnect user", onConfirm: run });
  return (
    <Button size="compact-xs" variant="default" onClick={ask} loading={end.isPending} aria-label={`Disconnect ${user}`}>
      Disconnect
    </Button>
  );
}
