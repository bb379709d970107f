import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client";
import { type Listing, useListing } from "./pages";

export interface ChannelSummary {
  name: string;
  kind: string;
  subscriptions: number;
  users: number | null;
  cached: boolean;
}

export interface ChannelDetail {
  name: string;
  kind: string;
  occupied: boolean;
  subscriptions: number;
  users: number | null;
  cache: { event: string; data: string; bytes: number; expires_in_s: number | null } | null;
}

export interface PresenceMember {
  id: string;
  info: unknown;
  connections: number;
}

export interface SignedInUser {
  id: string;
  connections: number;
}

export interface Connection {
  socket_id: string;
  /** Where it is; null if there is only one node. */
  node: string | null;
  transport: string;
  tls: boolean;
  address: string | null;
  origin: string | null;
  client: string | null;
  connected_at: string;
  user_id: string | null;
  subscription_count: number;
  /** In lists only the first of them. */
  subscriptions: { channel: string; user_id: string | null }[];
  messages_in: number;
  backlog_bytes: number;
}

export interface OutgoingEvent {
  channel?: string;
  channels?: string[];
  /** Pusher's own word for the event. */
  name: string;
  data: string;
  socket_id?: string;
}

export interface Received {
  channels: { name: string; subscriptions: number }[];
}

const LIVE = 3_000;

export const useChannels = (app: string, filter: { q?: string; kind?: string }): Listing<ChannelSummary> =>
  useListing(["app", app, "channels"], ["apps", app, "channels"], "channels", filter, LIVE);

export const useChannel = (app: string, channel: string) =>
  useQuery({
    queryKey: ["app", app, "channel", channel],
    queryFn: () => api.read<ChannelDetail>(["apps", app, "channels", channel]),
    refetchInterval: LIVE,
  });

export const usePresenceMembers = (app: string, channel: string, q: string): Listing<PresenceMember> =>
  useListing(
    ["app", app, "channel", channel, "members"],
    ["apps", app, "channels", channel, "members"],
    "members",
    { q },
    LIVE,
  );

export const useSignedInUsers = (app: string, q: string): Listing<SignedInUser> =>
  useListing(["app", app, "users"], ["apps", app, "users"], "users", { q }, LIVE);

export const useConnections = (app: string, q: string): Listing<Connection> =>
  useListing(["app", app, "connections"], ["apps", app, "connections"], "connections", { q }, LIVE);

export const useConnection = (app: string, socket: string) =>
  useQuery({
    queryKey: ["app", app, "connection", socket],
    queryFn: () => api.read<Connection>(["apps", app, "connections", socket]),
    refetchInterval: LIVE,
  });

function useLiveChange<T, R>(app: string, change: (what: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ["app", app] }),
  });
}

export const useDisconnectUser = (app: string) =>
  useLiveChange(app, (user: string) =>
    api.post<{ connections: number }>(["apps", app, "users", user, "disconnect"]),
  );

export const useDisconnectSocket = (app: string) =>
  useLiveChange(app, (socket: string) => api.post<void>(["apps", app, "connections", socket, "disconnect"]));

export const useSendEvent = (app: string) =>
  useMutation({ mutationFn: (event: OutgoingEvent) => api.post<Received>(["apps", app, "events"], event) });
