import type { AppChange, AppSettings } from "../../api/apps";

type Toggle = { [K in keyof AppSettings]: AppSettings[K] extends boolean ? K : never }[keyof AppSettings];
type Limit = { [K in keyof AppSettings]: AppSettings[K] extends number ? K : never }[keyof AppSettings];

export const TOGGLES: { name: Toggle; label: string; means: string }[] = [
  { name: "client_events", label: "Client events", means: "Clients may send events named client-… to private and presence channels." },
  { name: "subscription_count", label: "Subscription count", means: "Clients hear how many subscribe to a channel." },
  { name: "watchlist", label: "Watchlist events", means: "Signed-in users hear when those they watch come and go." },
  { name: "authorized_connections", label: "Authorized connections", means: "Connections that neither sign in nor join a private channel soon are closed." },
  { name: "force_tls", label: "Force TLS", means: "Connections without TLS are refused." },
  { name: "batch_webhooks", label: "Batch webhooks", means: "Several events may come in one webhook; off: one each." },
  { name: "strict_event_names", label: "Strict event names", means: "Event names with unusual characters are refused." },
  { name: "announce_before_ack", label: "Announce before answering", means: "Who joins hears so only once the webhook event is safely in the log; slower." },
  { name: "compression", label: "Compression", means: "Messages are deflated for clients that offer it; costs CPU." },
];

export const LIMITS: { name: Limit; label: string; unit: string; means: string }[] = [
  { name: "max_connections", label: "Connections", unit: "connections", means: "At the same time. 0: no limit but the plan's." },
  { name: "max_messages_per_day", label: "Messages a day", unit: "messages", means: "0: no limit but the plan's." },
  { name: "max_channels_per_connection", label: "Channels of a connection", unit: "channels", means: "0: no limit." },
  { name: "max_presence_members", label: "Members of a presence channel", unit: "members", means: "Pusher: 100." },
  { name: "max_user_object_bytes", label: "A member's user object", unit: "bytes", means: "Pusher: 1,024." },
  { name: "max_event_bytes", label: "Data of an event", unit: "bytes", means: "Pusher: 10,240." },
  { name: "max_client_events_per_s", label: "Client events of a connection", unit: "a second", means: "Pusher: 10." },
  { name: "max_watchlist", label: "Users on a watchlist", unit: "users", means: "Pusher: 100." },
  { name: "cache_ttl_s", label: "Cached events are kept", unit: "seconds", means: "Pusher: 1,800." },
];

export interface SettingsValues {
  name: string;
  cluster: string;
  settings: Omit<AppSettings, "allowed_origins"> & { allowed_origins: string };
}

export const FIELDS = [
  "name",
  "cluster",
  "settings.allowed_origins",
  ...TOGGLES.map(({ name }) => `settings.${name}`),
  ...LIMITS.map(({ name }) => `settings.${name}`),
];

export function valuesOf(app: { name: string; cluster: string; settings: AppSettings }): SettingsValues {
  const { allowed_origins, ...rest } = app.settings;
  return { name: app.name, cluster: app.cluster, settings: { ...rest, allowed_origins: allowed_origins.join("\n") } };
}

/** Only what was changed is sent: two people may edit at the same time. */
export function changeOf(before: { name: string; cluster: string; settings: AppSettings }, now: SettingsValues): AppChange {
  const lines = now.settings.allowed_origins.split("\n").map((line) => line.trim());
  const settings: AppSettings = { ...now.settings, allowed_origins: lines.filter(Boolean) };
  const changed = Object.entries(settings).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before.settings[name as keyof AppSettings]),
  );
  return {
    ...(now.name === before.name ? {} : { name: now.name }),
    ...(now.cluster === before.cluster ? {} : { cluster: now.cluster }),
    ...(changed.length === 0 ? {} : { settings: Object.fromEntries(changed) }),
  };
}
