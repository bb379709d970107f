import { type Attempt, type Delivery, type DeliveryFilter, FAILURES, useDeliveries } from "../../api/deliveries";
import { milliseconds } from "../../format/duration";
import { Empty } from "../../parts/Empty";
import { IconListDetails } from "../../parts/icons";
import { Listed } from "../../parts/Listed";
import { RowLink } from "../../parts/RowLink";
import type { Column } from "../../parts/VirtualTable";
import { When } from "../../parts/When";
import { DeliveryStatus } from "./DeliveryStatus";

const columns = (appId: string): Column<Delivery>[] => [
  {
    key: "events",
    header: "Events",
    width: "minmax(150px, 1.6fr)",
    render: (delivery) => (
      <RowLink to="/apps/$appId/deliveries/$id" params={{ appId, id: delivery.id }}>
        {eventsOf(delivery)}
      </RowLink>
    ),
  },
  { key: "status", header: "Status", width: "110px", render: (delivery) => <DeliveryStatus status={delivery.status} /> },
  { key: "channels", header: "Channels", width: "minmax(110px, 1.2fr)", render: (delivery) => delivery.channels.join(", ") || "–" },
  { key: "answer", header: "Last answer", width: "minmax(110px, 1.1fr)", render: (delivery) => answerOf(delivery.last_attempt) },
  { key: "attempts", header: "Attempts", width: "80px", right: true, render: (delivery) => delivery.attempt_count },
  {
    key: "took",
    header: "Took",
    width: "80px",
    right: true,
    wideOnly: true,
    render: (delivery) => (delivery.last_attempt ? milliseconds(delivery.last_attempt.duration_ms) : "–"),
  },
  { key: "at", header: "Made", width: "100px", right: true, render: (delivery) => <When at={delivery.created_at} relative /> },
];

export function DeliveryTable({ appId, filter }: { appId: string; filter: DeliveryFilter }) {
  const listing = useDeliveries(appId, filter);
  return (
    <Listed
      label="Deliveries"
      listing={listing}
      columns={columns(appId)}
      rowKey={(delivery) => delivery.id}
      empty={<NoDeliveries filtered={Object.values(filter).some(Boolean)} />}
    />
  );
}

function NoDeliveries({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty icon={IconListDetails} title="No delivery is like that">
        Loosen the filters, or send a test from the webhook's page.
      </Empty>
    );
  }
  return (
    <Empty icon={IconListDetails} title="Nothing was sent yet">
      Deliveries appear here as soon as something happens that a webhook wants to hear of.
    </Empty>
  );
}

function eventsOf(delivery: Delivery): string {
  const names = delivery.events.join(", ") || "Test";
  return delivery.event_count > delivery.events.length ? `${names} (${delivery.event_count} events)` : names;
}

export function answerOf(attempt: Attempt | null): string {
  if (!attempt) return "Not tried yet";
  if (attempt.status !== null) return `HTTP ${attempt.status}`;
  return attempt.failure ? FAILURES[attempt.failure] : attempt.detail;
}
