import type { Tone } from "../../parts/Status";

export type LineType = keyof typeof TYPES;

/** A line of the console, as the server's stream has it. */
export interface LogLine {
  id: string;
  at: string;
  type: LineType;
  /** Where it happened; null if there is only one node. */
  node: string | null;
  socket_id: string | null;
  channel: string | null;
  event: string | null;
  user_id: string | null;
  detail: string;
  /** The first 4 KiB. */
  payload: string | null;
  truncated: boolean;
  bytes: number;
}

/** The types that Pusher's console has, in its order. */
export const TYPES = {
  connection: { label: "Connection", tone: "good" },
  disconnection: { label: "Disconnection", tone: "idle" },
  occupied: { label: "Occupied", tone: "good" },
  vacated: { label: "Vacated", tone: "idle" },
  subscribed: { label: "Subscribed", tone: "good" },
  unsubscribed: { label: "Unsubscribed", tone: "idle" },
  api_message: { label: "API message", tone: "info" },
  client_event: { label: "Client event", tone: "info" },
  presence: { label: "Presence event", tone: "info" },
  error: { label: "Error", tone: "bad" },
  api_error: { label: "API error", tone: "bad" },
  client_error: { label: "Client error", tone: "bad" },
  webhook_sent: { label: "Webhook sent", tone: "good" },
  webhook_failed: { label: "Webhook failed", tone: "bad" },
} as const satisfies Record<string, { label: string; tone: Tone }>;

export const ALL_TYPES = Object.keys(TYPES) as LineType[];

export interface LineFilter {
  types: ReadonlySet<LineType>;
  channel: string;
  text: string;
}

export function matches(line: LogLine, { types, channel, text }: LineFilter): boolean {
  if (!types.has(line.type)) return false;
  if (channel && !line.channel?.includes(channel)) return false;
  return text === "" || spoken(line).includes(text.toLowerCase());
}

/** All that a person may search a line for. */
function spoken({ type, node, socket_id, channel, event, user_id, detail, payload, at }: LogLine): string {
  return [TYPES[type]?.label ?? type, node, socket_id, channel, event, user_id, detail, payload, at].join("\n").toLowerCase();
}

/** The most frequent values of a field, the most frequent first. */
export function most(lines: readonly LogLine[], field: "channel" | "event", n: number): [name: string, times: number][] {
  const times = new Map<string, number>();
  for (const line of lines) {
    const name = line[field];
    if (name) times.set(name, (times.get(name) ?? 0) + 1);
  }
  return [...times].toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, n);
}

/** What the line says beside its type. */
export function summary({ channel, event, detail }: LogLine): string {
  const what = [channel && `Channel: ${channel}`, event && `Event: ${event}`].filter(Boolean).join(", ");
  return [what, detail].filter(Boolean).join(" · ");
}
