import type { Point, Range } from "../../api/stats";

/** The kinds of messages, in the order in which they are stacked. */
export const MESSAGE_KINDS = [
  { name: "broadcast", label: "Broadcast to clients", color: "teal.6" },
  { name: "client_out", label: "Client events out", color: "blue.5" },
  { name: "api", label: "Published by the API", color: "yellow.6" },
  { name: "client_in", label: "Client events in", color: "grape.5" },
  { name: "presence", label: "Presence", color: "orange.6" },
  { name: "webhook", label: "Webhooks", color: "gray.6" },
] as const;

export const total = (point: Point): number => Object.values(point.messages).reduce((sum, n) => sum + n, 0);

/** Of all webhook attempts; null: there were none. */
export function successOf({ webhooks: { accepted, failed } }: Point): number | null {
  return accepted + failed === 0 ? null : accepted / (accepted + failed);
}

const hours: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const days: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };

/** What stands below the axis: the time of day for short spans, the day for long ones. */
export function axisLabel(range: Range): (at: string) => string {
  const shape = range === "30d" || range === "90d" ? days : range === "7d" ? { ...days, ...hours } : hours;
  const format = new Intl.DateTimeFormat(undefined, shape);
  return (at) => format.format(new Date(at));
}

/** Flat rows for the charts, one per point. */
export function rows(series: readonly Point[], range: Range) {
  const label = axisLabel(range);
  return series.map((point) => ({
    at: label(point.at),
    ...point.messages,
    connections: point.connections.now,
    peak: point.connections.peak,
    average_bytes: point.message_bytes.average,
    p95_bytes: point.message_bytes.p95,
    api_p50: point.api.requests === 0 ? null : point.api.p50_ms,
    api_p95: point.api.requests === 0 ? null : point.api.p95_ms,
    requests: point.api.requests - point.api.errors,
    errors: point.api.errors,
    accepted: point.webhooks.accepted,
    failed: point.webhooks.failed,
  }));
}
