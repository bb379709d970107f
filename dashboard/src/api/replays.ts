import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client";

export interface ReplayFilter {
  from?: string | null;
  to?: string | null;
  from_seq?: number | null;
  to_seq?: number | null;
  channel?: string | null;
  event?: string | null;
}

export interface Replay {
  id: string;
  app_id: string;
  webhook_id: string;
  kind: "delivery" | "failed" | "log" | "test";
  delivery_id: string | null;
  filter: ReplayFilter | null;
  state: "running" | "done" | "cancelled";
  total: number;
  delivered: number;
  failed: number;
  created_at: string;
}

/** Failed deliveries as they were, or events of the log in new deliveries. */
export type NewReplay = { failed: Pick<ReplayFilter, "from" | "to"> } | { log: ReplayFilter };

/** Events that a webhook did not get. */
export interface Gap {
  webhook_id: string;
  first_seq: number;
  last_seq: number;
  count: number;
  reason: "expired" | "refused" | "disabled" | "overflow" | "retention";
  at: string;
}

export const useGaps = (app: string, webhook: string) =>
  useQuery({
    queryKey: ["app", app, "gaps"],
    queryFn: () => api.read<{ gaps: Gap[] }>(["apps", app, "gaps"]),
    select: (page) => page.gaps.filter((gap) => gap.webhook_id === webhook),
    refetchInterval: 10_000,
  });

const key = (app: string) => ["app", app, "replays"];
const whileRunning = (running: boolean) => (running ? 1_000 : false);

export const useReplays = (app: string) =>
  useQuery({
    queryKey: key(app),
    queryFn: () => api.read<{ replays: Replay[] }>(["apps", app, "replays"]),
    select: (page) => page.replays,
    refetchInterval: (query) => whileRunning(!!query.state.data?.replays.some((r) => r.state === "running")),
  });

export const useReplay = (app: string, id: string | null) =>
  useQuery({
    queryKey: [...key(app), id],
    queryFn: () => api.read<Replay>(["apps", app, "replays", id ?? ""]),
    enabled: id !== null,
    refetchInterval: (query) => whileRunning(query.state.data?.state !== "done"),
  });

/** How much a replay would send, without sending it. */
export const useReplayCount = (app: string, webhook: string, what: NewReplay, enabled: boolean) =>
  useQuery({
    queryKey: [...key(app), "count", webhook, what],
    queryFn: () =>
      api.post<{ count: number }>(["apps", app, "webhooks", webhook, "replays"], { ...what, dry_run: true }),
    select: (answer) => answer.count,
    enabled,
    staleTime: 0,
  });

function useReplayChange<T>(app: string, change: (what: T) => Promise<Replay>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ["app", app] }),
  });
}

export const useStartReplay = (app: string) =>
  useReplayChange(app, ({ webhook, what }: { webhook: string; what: NewReplay }) =>
    api.post<Replay>(["apps", app, "webhooks", webhook, "replays"], what),
  );

export const useReplayDelivery = (app: string) =>
  useReplayChange(app, (delivery: string) => api.post<Replay>(["apps", app, "deliveries", delivery, "replay"]));

export const useCancelReplay = (app: string) =>
  useReplayChange(app, (id: string) => api.post<Replay>(["apps", app, "replays", id, "cancel"]));
