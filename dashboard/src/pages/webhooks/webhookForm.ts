import type { NewWebhook, Webhook } from "../../api/webhooks";

/** What a person edits; numbers may be empty. */
export interface WebhookValues {
  url: string;
  description: string;
  events: string[];
  channel_prefix: string;
  channel_suffix: string;
  headers: { name: string; value: string }[];
  retry_hours: number | "";
  max_in_flight: number | "";
  max_per_second: number | "";
}

export const FIELDS = [
  "url",
  "description",
  "events",
  "channel_prefix",
  "channel_suffix",
  "headers",
  "retry_hours",
  "max_in_flight",
  "max_per_second",
] as const;

export function valuesOf(webhook?: Webhook): WebhookValues {
  return {
    url: webhook?.url ?? "",
    description: webhook?.description ?? "",
    events: webhook?.events ?? [],
    channel_prefix: webhook?.channel_prefix ?? "",
    channel_suffix: webhook?.channel_suffix ?? "",
    headers: Object.entries(webhook?.headers ?? {}).map(([name, value]) => ({ name, value })),
    retry_hours: webhook?.retry_hours ?? "",
    max_in_flight: webhook?.max_in_flight ?? "",
    max_per_second: webhook?.max_per_second ?? "",
  };
}

const orNull = <T>(value: T | ""): T | null => (value === "" ? null : value);

/** For a new webhook: what is empty is left to the server's default. */
export function creation(values: WebhookValues): NewWebhook {
  const { max_in_flight, headers, ...rest } = values;
  return {
    ...rest,
    channel_prefix: orNull(values.channel_prefix),
    channel_suffix: orNull(values.channel_suffix),
    retry_hours: orNull(values.retry_hours),
    max_per_second: orNull(values.max_per_second),
    ...(max_in_flight === "" ? {} : { max_in_flight }),
    headers: Object.fromEntries(headers.filter((h) => h.name).map((h) => [h.name, h.value])),
  };
}

/** A merge patch: headers that are gone are named with null, `***` keeps the value. */
export function change(before: Webhook, values: WebhookValues): Partial<NewWebhook> {
  const now = creation(values);
  const gone = Object.keys(before.headers).filter((name) => !(name in (now.headers ?? {})));
  return {
    ...now,
    max_in_flight: orNull(values.max_in_flight) as number | undefined,
    headers: { ...now.headers, ...Object.fromEntries(gone.map((name) => [name, null])) },
  };
}
