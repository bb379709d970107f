import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client";
import type { Replay } from "./replays";

export interface Webhook {
  id: string;
  app_id: string;
  url: string;
  /** Empty: all. */
  events: string[];
  channel_prefix: string | null;
  channel_suffix: string | null;
  /** The values are never told: each is `***`. */
  headers: Record<string, string>;
  retry_hours: number | null;
  max_in_flight: number;
  max_per_second: number | null;
  description: string;
  origin: "file" | "stored";
  enabled: boolean;
  disabled: { reason: "manual" | "gone" | "failing"; at: string } | null;
  failing_since: string | null;
  created_at: string;
}

export interface NewWebhook {
  url: string;
  events?: string[];
  channel_prefix?: string | null;
  channel_suffix?: string | null;
  headers?: Record<string, string | null>;
  retry_hours?: number | null;
  max_in_flight?: number;
  max_per_second?: number | null;
  description?: string;
}

export interface Health {
  state: "healthy" | "failing" | "probing" | "disabled" | "idle";
  /** Of the last hour, 0 to 1. */
  success_rate: number | null;
  p50_ms: number | null;
  p95_ms: number | null;
  queue: { events: number; age_s: number };
  /** Open: it is not well, only probes are sent. */
  breaker: "closed" | "open";
  /** The last 60 minutes; those without an attempt are left out. */
  spark: { at: string; accepted: number; failed: number }[];
}

export const WEBHOOK_EVENTS = [
  "channel_occupied",
  "channel_vacated",
  "member_added",
  "member_removed",
  "client_event",
  "cache_miss",
  "subscription_count",
] as const;

const key = (app: string) => ["app", app, "webhooks"];

export const useWebhooks = (app: string) =>
  useQuery({
    queryKey: key(app),
    queryFn: () => api.read<{ webhooks: Webhook[] }>(["apps", app, "webhooks"]),
    select: (page) => page.webhooks,
  });

export const useWebhook = (app: string, id: string) =>
  useQuery({ queryKey: [...key(app), id], queryFn: () => api.read<Webhook>(["apps", app, "webhooks", id]) });

export const useHealths = (app: string) =>
  useQuery({
    queryKey: [...key(app), "health"],
    queryFn: () => api.read<{ webhooks: Record<string, Health> }>(["apps", app, "webhook-health"]),
    select: (page) => page.webhooks,
    refetchInterval: 5_000,
  });

export const useHealth = (app: string, id: string) =>
  useQuery({
    queryKey: [...key(app), id, "health"],
    queryFn: () => api.read<Health>(["apps", app, "webhooks", id, "health"]),
    refetchInterval: 5_000,
  });

function useWebhookChange<T, R>(app: string, change: (what: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ["app", app] }),
  });
}

export const useCreateWebhook = (app: string) =>
  useWebhookChange(app, (webhook: NewWebhook) =>
    api.post<Webhook & { secret: string; warnings: string[] }>(["apps", app, "webhooks"], webhook),
  );

export const useChangeWebhook = (app: string, id: string) =>
  useWebhookChange(app, (change: Partial<NewWebhook>) =>
    api.patch<Webhook & { warnings: string[] }>(["apps", app, "webhooks", id], change),
  );

export const useSwitchWebhook = (app: string) =>
  useWebhookChange(app, ({ id, enabled }: { id: string; enabled: boolean }) =>
    api.post<Webhook>(["apps", app, "webhooks", id, enabled ? "enable" : "disable"]),
  );

export const useDeleteWebhook = (app: string) =>
  useWebhookChange(app, (id: string) => api.remove(["apps", app, "webhooks", id]));

export const useTestWebhook = (app: string) =>
  useWebhookChange(app, (id: string) => api.post<Replay>(["apps", app, "webhooks", id, "test"]));

export const useRotateSecret = (app: string, id: string) =>
  useWebhookChange(app, (overlapHours: number) =>
    api.post<{ secret: string; overlap_until: string }>(["apps", app, "webhooks", id, "rotate-secret"], {
      overlap_hours: overlapHours,
    }),
  );
