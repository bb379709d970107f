import { useQuery } from "@tanstack/react-query";
import { api } from "./client";
import { type Listing, useListing } from "./pages";

export type DeliveryStatus = "pending" | "delivered" | "failed" | "discarded" | "split";
export const DELIVERY_STATUSES: DeliveryStatus[] = ["pending", "delivered", "failed", "discarded", "split"];

export type Failure = "dns" | "refused" | "tls" | "timeout" | "broken" | "status" | "body" | "forbidden";

export interface Attempt {
  number: number;
  at: string;
  duration_ms: number;
  status: number | null;
  failure: Failure | null;
  detail: string;
  remote: string | null;
  retry_after_ms: number | null;
  request_head: string;
  response_body: string;
}

export interface Delivery {
  id: string;
  message_id: string;
  webhook_id: string;
  status: DeliveryStatus;
  created_at: string;
  ended_at: string | null;
  event_count: number;
  events: string[];
  channels: string[];
  first_seq: number | null;
  last_seq: number | null;
  replay_id: string | null;
  parent_id: string | null;
  attempt_count: number;
  last_attempt: Attempt | null;
}

export interface DeliveryDetail extends Delivery {
  request_body: string;
  attempts: Attempt[];
}

export interface DeliveryFilter {
  status?: string;
  event?: string;
  channel?: string;
  endpoint?: string;
  from?: string;
  to?: string;
}

export const useDeliveries = (app: string, filter: DeliveryFilter): Listing<Delivery> =>
  useListing(
    ["app", app, "deliveries"],
    ["apps", app, "deliveries"],
    "deliveries",
    filter as Record<string, string>,
    5_000,
  );

export const useDelivery = (app: string, id: string) =>
  useQuery({
    queryKey: ["app", app, "delivery", id],
    queryFn: () => api.read<DeliveryDetail>(["apps", app, "deliveries", id]),
    refetchInterval: (query) => (query.state.data?.status === "pending" ? 2_000 : false),
  });

/** What went wrong, as people say it. */
export const FAILURES: Record<Failure, string> = {
  dns: "The host name has no address",
  refused: "Nobody listens there",
  tls: "TLS failed",
  timeout: "No answer in time",
  broken: "The connection broke",
  status: "Answered, but not with a 2xx",
  body: "The answer's body could not be read",
  forbidden: "This address must not be called",
};
