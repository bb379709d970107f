import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { DeliveryDetail } from "../../api/deliveries";
import { count, plural } from "../../format/number";
import { FactList } from "../../parts/FactList";
import { When } from "../../parts/When";
import { DeliveryStatus } from "./DeliveryStatus";

export function DeliveryFacts({ appId, delivery, url }: { appId: string; delivery: DeliveryDetail; url: ReactNode }) {
  const facts: [string, ReactNode][] = [
    ["Status", <DeliveryStatus key="status" status={delivery.status} />],
    ["Webhook", url],
    ["Events", `${plural(delivery.event_count, "event")}${placeOf(delivery)}`],
    ["Channels", delivery.channels.join(", ") || "None"],
    ["Made", <When key="made" at={delivery.created_at} />],
    ["Ended", delivery.ended_at ? <When key="ended" at={delivery.ended_at} /> : "Not yet"],
    ["Webhook-Id", <span key="id" className="mono">{delivery.message_id}</span>],
  ];
  if (delivery.replay_id) facts.push(["Replay", <ReplayLink key="replay" appId={appId} id={delivery.replay_id} />]);
  if (delivery.parent_id) facts.push(["Repeats", <DeliveryLink key="parent" appId={appId} id={delivery.parent_id} />]);
  return <FactList facts={facts} />;
}

function placeOf({ first_seq, last_seq }: DeliveryDetail): string {
  if (first_seq === null || last_seq === null) return ", not of the log";
  return first_seq === last_seq ? `, place ${count(first_seq)} of the log` : `, places ${count(first_seq)} to ${count(last_seq)} of the log`;
}

function ReplayLink({ appId, id }: { appId: string; id: string }) {
  return (
    <Anchor component={Link} to="/apps/$appId/replays" params={{ appId } as never} inherit className="mono">
      {id}
    </Anchor>
  );
}

function DeliveryLink({ appId, id }: { appId: string; id: string }) {
  return (
    <Anchor component={Link} to="/apps/$appId/deliveries/$id" params={{ appId, id } as never} inherit className="mono">
      {id}
    </Anchor>
  );
}
