import { Alert, List, Stack, Text } from "@mantine/core";
import { type Bus, type Cluster, type Node, useCluster } from "../../api/cluster";
import { useSession } from "../../api/session";
import { seconds } from "../../format/duration";
import { brief, count, plural } from "../../format/number";
import { Empty } from "../../parts/Empty";
import { Figure, Figures } from "../../parts/Figure";
import { IconAlertTriangle, IconShield } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Status, Tag, type Tone } from "../../parts/Status";
import { type Column, VirtualTable } from "../../parts/VirtualTable";
import { When } from "../../parts/When";

export default function Nodes() {
  const { user } = useSession();
  return user.operator ? <AllNodes /> : <NotForYou />;
}

export function AllNodes() {
  const query = useCluster();
  return (
    <Page title="Nodes" lead="The machines that are this server together, as the one that answers sees them.">
      <Loaded query={query}>{(cluster) => <Seen cluster={cluster} />}</Loaded>
    </Page>
  );
}

function Seen({ cluster }: { cluster: Cluster }) {
  const { nodes, bus, is_cluster: isCluster } = cluster;
  return (
    <Stack gap="lg">
      <Degraded cluster={cluster} />
      {bus && <BusFigures bus={bus} />}
      <VirtualTable label="Nodes" rows={nodes} rowKey={({ id }) => String(id)} columns={columns(cluster)} />
      <Text size="sm" c="dimmed">
        {isCluster ? "Nodes that left or are gone stay here for an hour." : "This server is one node, which keeps all it has in a file of its own."}
      </Text>
    </Stack>
  );
}

/** What is not as it should be, and what that means for users; nothing if all is well. */
function Degraded({ cluster }: { cluster: Cluster }) {
  if (cluster.reasons.length === 0) return null;
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="Degraded: clients are served, but not all is as it should be">
      <List size="sm" spacing={2}>
        {cluster.reasons.map(({ reason, meaning }) => (
          <List.Item key={reason}>{meaning}</List.Item>
        ))}
      </List>
    </Alert>
  );
}

function BusFigures({ bus }: { bus: Bus }) {
  const missing = bus.dropped + bus.lost;
  return (
    <Figures>
      <Figure label="Bus" value={<Status tone={bus.is_up ? "good" : "bad"}>{bus.is_up ? "Up" : "Down"}</Status>} hint={plural(bus.reconnects, "reconnect")} />
      <Figure label="Other nodes" value={count(bus.neighbours)} hint={knows(bus)} />
      <Figure label="Messages out" value={brief(bus.published)} hint={`${brief(bus.received)} came in`} />
      <Figure label="Messages missing" value={count(missing)} hint={`${count(bus.dropped)} could not go out, ${count(bus.lost)} did not come`} />
    </Figures>
  );
}

/** What the node that answers knows of the clients of the others. */
function knows(bus: Bus): string {
  if (!bus.is_up) return "Known as they were when the bus went down";
  return bus.is_whole ? "All of their clients are known" : "Their clients are being told";
}

const STATES: Record<Node["state"], [Tone, string]> = {
  up: ["good", "Up"],
  draining: ["warn", "Draining"],
  left: ["idle", "Left"],
  gone: ["bad", "Gone"],
};

const columns = ({ answered_by: me, is_cluster: isCluster }: Cluster): Column<Node>[] => [
  {
    key: "name",
    header: "Node",
    width: "minmax(140px, 1.5fr)",
    render: ({ id, name }) => (
      <>
        <b>{name}</b> {id === me && isCluster && <Tag>answers</Tag>}
      </>
    ),
  },
  { key: "state", header: "State", width: "110px", render: ({ state }) => <Status tone={STATES[state][0]}>{STATES[state][1]}</Status> },
  { key: "desk", header: "Webhooks", width: "120px", render: ({ has_desk }) => (has_desk ? "sent from here" : "–") },
  { key: "address", header: "Address", width: "minmax(120px, 1fr)", wideOnly: true, render: ({ address }) => <span className="mono">{address}</span> },
  { key: "version", header: "Version", width: "90px", render: ({ version }) => version },
  { key: "lease", header: "Lease", width: "80px", right: true, wideOnly: true, render: lease },
  { key: "since", header: "Joined", width: "120px", right: true, render: ({ started_at }) => <When at={started_at} relative /> },
];

const lease = ({ lease_left_ms: ms }: Node) => (ms ? seconds(ms / 1000) : "–");

function NotForYou() {
  return (
    <Page title="Nodes">
      <Empty icon={IconShield} title="This page is for operators">
        Operators run this server, and see its machines.
      </Empty>
    </Page>
  );
}
