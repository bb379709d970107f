import type { Webhook } from "../../api/webhooks";
import { plural } from "../../format/number";
import { Copy } from "../../parts/Copy";
import { FactList } from "../../parts/FactList";
import { Tag } from "../../parts/Status";
import { When } from "../../parts/When";

export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const headers = Object.keys(webhook.headers);
  return (
    <FactList
      facts={[
        ["Events", webhook.events.length === 0 ? "All" : webhook.events.map((event) => <span key={event}><Tag mono>{event}</Tag> </span>)],
        ["Channels", channelsOf(webhook)],
        ["Headers of its own", headers.length === 0 ? "None" : headers.map((name) => <span key={name}><Tag mono>{name}: ***</Tag> </span>)],
        ["Retries", webhook.retry_hours === null ? "For 5 minutes, as Pusher does" : `For ${plural(webhook.retry_hours, "hour")}, with a fresh time each`],
        ["Requests", requestsOf(webhook)],
        ["Written in", webhook.origin === "file" ? "The config file; it is changed there" : "The store"],
        ["Made", <When key="made" at={webhook.created_at} />],
        ["Id", <span key="id"><span className="mono">{webhook.id}</span> <Copy text={webhook.id} what="id" /></span>],
      ]}
    />
  );
}

function channelsOf({ channel_prefix, channel_suffix }: Webhook): string {
  const said = [channel_prefix && `start with “${channel_prefix}”`, channel_suffix && `end with “${channel_suffix}”`];
  const wanted = said.filter(Boolean).join(" and ");
  return wanted ? `Those that ${wanted}` : "All";
}

function requestsOf({ max_in_flight, max_per_second }: Webhook): string {
  const pace = max_per_second === null ? "no limit a second" : `${max_per_second} a second at most`;
  return `${max_in_flight} at the same time, ${pace}`;
}
