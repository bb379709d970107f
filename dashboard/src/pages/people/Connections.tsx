import { Alert } from "@mantine/core";
import { type Connection, useConnections } from "../../api/live";
import { count } from "../../format/number";
import { Empty } from "../../parts/Empty";
import { IconPlugConnected } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { RowLink } from "../../parts/RowLink";
import type { Column } from "../../parts/VirtualTable";
import { When } from "../../parts/When";

const columns = (appId: string, several: boolean): Column<Connection>[] => [
  {
    key: "socket",
    header: "Socket",
    width: "minmax(150px, 1.2fr)",
    render: ({ socket_id }) => (
      <RowLink to="/apps/$appId/connections/$socketId" params={{ appId, socketId: socket_id }} className="mono">
        {socket_id}
      </RowLink>
    ),
  },
  { key: "user", header: "User", width: "minmax(110px, 1fr)", render: ({ user_id }) => user_id ?? "not signed in" },
  { key: "client", header: "Client", width: "minmax(110px, 1fr)", render: ({ client }) => client ?? "unknown" },
  { key: "address", header: "Address", width: "130px", wideOnly: true, render: ({ address }) => address ?? "–" },
  ...(several ? [{ key: "node", header: "Node", width: "minmax(90px, 0.7fr)", wideOnly: true, render: ({ node }: Connection) => node ?? "–" }] : []),
  { key: "subscriptions", header: "Subscriptions", width: "110px", right: true, render: ({ subscription_count }) => count(subscription_count) },
  { key: "since", header: "Connected", width: "110px", right: true, render: ({ connected_at }) => <When at={connected_at} relative /> },
];

export function Connections({ appId, q }: { appId: string; q: string }) {
  const listing = useConnections(appId, q);
  const several = listing.rows.some(({ node }) => node !== null);
  return (
    <>
      <Silent nodes={listing.missingNodes} />
      <Listed
        label="Connections"
        listing={listing}
        columns={columns(appId, several)}
        rowKey={({ socket_id }) => socket_id}
        empty={
          <Empty icon={IconPlugConnected} title={q ? "No connection is like that" : "Nobody is connected now"}>
            Connections are here while they last; the debug console shows them come and go.
          </Empty>
        }
      />
    </>
  );
}

function Silent({ nodes }: { nodes: string[] }) {
  if (nodes.length === 0) return null;
  return (
    <Alert color="orange" mb="sm" role="status">
      {nodes.length === 1 ? `The node ${nodes[0]} did not answer` : `The nodes ${nodes.join(", ")} did not answer`}: connections there are neither shown nor counted.
    </Alert>
  );
}
