import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api } from "./client";
import { type Listing, useListing } from "./pages";

export const RANGES = ["1h", "6h", "24h", "7d", "30d", "90d"] as const;
export type Range = (typeof RANGES)[number];

export interface Point {
  at: string;
  messages: Record<"api" | "client_in" | "broadcast" | "client_out" | "presence" | "webhook", number>;
  connections: { now: number; peak: number };
  message_bytes: { average: number; max: number; p50: number; p95: number };
  api: { requests: number; errors: number; p50_ms: number; p95_ms: number };
  webhooks: { accepted: number; failed: number };
}

export interface Stats {
  range: Range;
  step_s: number;
  from: string;
  to: string;
  series: Point[];
  totals: Point;
}

export interface ErrorGroup {
  id: string;
  kind: "connection" | "auth" | "api" | "client" | "limit";
  /** A close code, that of a `pusher:error`, or the status of an answer. */
  code: number | null;
  message: string;
  count: number;
  first_at: string;
  last_at: string;
  sample: {
    socket_id: string | null;
    address: string | null;
    channel: string | null;
    origin: string | null;
  };
  fix: string;
}

export const useStats = (app: string, range: Range) =>
  useQuery({
    queryKey: ["app", app, "stats", range],
    queryFn: () => api.read<Stats>(["apps", app, "stats"], { range }),
    placeholderData: keepPreviousData,
    refetchInterval: range === "1h" ? 10_000 : 60_000,
  });

export const useErrors = (app: string, filter: { from?: string; to?: string }): Listing<ErrorGroup> =>
  useListing(["app", app, "errors"], ["apps", app, "errors"], "errors", { ...filter, limit: null }, 10_000);
