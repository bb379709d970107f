import { Alert, Anchor, Button, Stack, Text } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { type Connection, useConnection, useDisconnectSocket } from "../../api/live";
import { asProblem } from "../../api/problem";
import { seconds } from "../../format/duration";
import { bytes, count } from "../../format/number";
import { may } from "../../format/role";
import { BackLink } from "../../parts/BackLink";
import { confirm } from "../../parts/confirm";
import { FactList } from "../../parts/FactList";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { outcome } from "../../parts/tell";
import { useNow } from "../../parts/useNow";
import { When } from "../../parts/When";

const route = getRouteApi("/inside/apps/$appId/connections/$socketId");

/** One connection: where it came from, who it is, what it hears. */
export default function ConnectionStory() {
  const { appId, socketId } = route.useParams();
  const query = useConnection(appId, socketId);
  const role = useApp(appId).data?.role;
  const gone = query.isError && asProblem(query.error).status === 404;
  return (
    <Page
      title={`Connection ${socketId}`}
      back={
        <BackLink to="/apps/$appId/people" params={{ appId }} search={{ tab: "connections" }}>
          Connections
        </BackLink>
      }
      actions={!gone && may(role, "developer") && <End appId={appId} socketId={socketId} />}
    >
      {gone ? <Gone appId={appId} socketId={socketId} /> : <Loaded query={query}>{(connection) => <Story appId={appId} connection={connection} />}</Loaded>}
    </Page>
  );
}

function Story({ appId, connection }: { appId: string; connection: Connection }) {
  const lasts = (useNow(1000) - Date.parse(connection.connected_at)) / 1000;
  return (
    <Stack gap="md">
      <Panel title="Where it comes from">
        <FactList
          facts={[
            ["Connected", <span key="at"><When at={connection.connected_at} />, for {seconds(lasts)}</span>],
            ["User", connection.user_id ?? "Not signed in"],
            ["Client", connection.client ?? "Did not say"],
            ["Transport", `${connection.transport}, ${connection.tls ? "with TLS" : "without TLS"}`],
            ["Address", connection.address ?? "Unknown"],
            ...(connection.node === null ? [] : [["Node", connection.node] as [string, string]]),
            ["Origin", connection.origin ?? "None: not a browser"],
            ["Messages from it", count(connection.messages_in)],
            ["Waiting for it", connection.backlog_bytes === 0 ? "Nothing: it reads as fast as is written" : `${bytes(connection.backlog_bytes)}: it reads slower than is written`],
          ]}
        />
      </Panel>
      <Panel title="Subscriptions" lead={connection.subscriptions.length === 0 ? "It subscribes to nothing." : undefined}>
        <Stack gap={6}>
          {connection.subscriptions.map(({ channel, user_id }) => (
            <Text key={channel} size="sm" style={{ overflowWrap: "anywhere" }}>
              <Anchor component={Link} to="/apps/$appId/channels/$channel" params={{ appId, channel } as never} inherit>
                {channel}
              </Anchor>
              {user_id && ` as ${user_id}`}
            </Text>
          ))}
        </Stack>
      </Panel>
    </Stack>
  );
}

function End({ appId, socketId }: { appId: string; socketId: string }) {
  const end = useDisconnectSocket(appId);
  const ask = () =>
    confirm({ title: `Disconnect ${socketId}?`, body: `The connection ${socketId} is closed. Its client will likely connect again, as another socket.`, label: "Disconnect", onConfirm: () => end.mutate(socketId, outcome("Disconnected.")) });
  return (
    <Button variant="default" onClick={ask} loading={end.isPending}>
      Disconnect
    </Button>
  );
}

function Gone({ appId, socketId }: { appId: string; socketId: string }) {
  return (
    <Alert color="blue" title="This connection has closed">
      {socketId} is not connected any more.{" "}
      <Anchor component={Link} to="/apps/$appId/people" params={{ appId } as never} search={{ tab: "connections" } as never}>
        See who is here now
      </Anchor>
    </Alert>
  );
}
