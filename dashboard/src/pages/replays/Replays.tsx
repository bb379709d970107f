import { Anchor, Stack, Text } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { type Replay, useReplays } from "../../api/replays";
import { useWebhooks } from "../../api/webhooks";
import { moment } from "../../format/moment";
import { may } from "../../format/role";
import { Empty } from "../../parts/Empty";
import { IconRotateClockwise2 } from "../../parts/icons";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { VirtualTable } from "../../parts/VirtualTable";
import { When } from "../../parts/When";
import { ReplayBar } from "./ReplayProgress";

const route = getRouteApi("/inside/apps/$appId");

export default function Replays() {
  const { appId } = route.useParams();
  const query = useReplays(appId);
  return (
    <Page title="Replays" lead="What was sent again, and how far it is. Start one from a delivery, from Deliveries or from a webhook.">
      <Loaded query={query}>{(replays) => (replays.length === 0 ? <None appId={appId} /> : <Table appId={appId} replays={replays} />)}</Loaded>
    </Page>
  );
}

function Table({ appId, replays }: { appId: string; replays: Replay[] }) {
  const webhooks = useWebhooks(appId).data ?? [];
  const mayCancel = may(useApp(appId).data?.role, "developer");
  const urlOf = (id: string) => webhooks.find((w) => w.id === id)?.url ?? id;
  return (
    <VirtualTable
      label="Replays"
      rows={replays}
      rowKey={(replay) => replay.id}
      rowHeight={70}
      columns={[
        { key: "what", header: "What", width: "minmax(150px, 1.3fr)", render: (replay) => <What appId={appId} replay={replay} /> },
        { key: "to", header: "To", width: "minmax(130px, 1.2fr)", render: (replay) => urlOf(replay.webhook_id) },
        { key: "how", header: "How far", width: "minmax(200px, 1.6fr)", render: (replay) => <ReplayBar appId={appId} replay={replay} mayCancel={mayCancel} /> },
        { key: "at", header: "Asked for", width: "110px", right: true, render: (replay) => <When at={replay.created_at} relative /> },
      ]}
    />
  );
}

const KINDS = { delivery: "One delivery", failed: "Failed deliveries", log: "Events of the log", test: "Test" };

function What({ appId, replay }: { appId: string; replay: Replay }) {
  return (
    <Stack gap={0}>
      <Text size="sm" fw={550}>
        {KINDS[replay.kind]}
      </Text>
      {replay.delivery_id && (
        <Anchor component={Link} to="/apps/$appId/deliveries/$id" params={{ appId, id: replay.delivery_id } as never} size="xs" className="mono">
          {replay.delivery_id}
        </Anchor>
      )}
      <Text size="xs" c="dimmed">
        {partOf(replay)}
      </Text>
    </Stack>
  );
}

function partOf({ filter }: Replay): string {
  if (!filter) return "";
  const { from, to, channel, event } = filter;
  return [from && `from ${moment(from)}`, to && `to ${moment(to)}`, channel && `of ${channel}`, event && `named ${event}`].filter(Boolean).join(", ");
}

function None({ appId }: { appId: string }) {
  return (
    <Empty icon={IconRotateClockwise2} title="Nothing was replayed yet">
      Open one of the <Anchor component={Link} to="/apps/$appId/deliveries" params={{ appId } as never}>deliveries</Anchor> to send it again, or replay many at once from there.
    </Empty>
  );
}
