import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Used } from "./accounts";
import { api } from "./client";
import { type Listing, useListing } from "./pages";
import type { Role } from "./session";

export interface AppSummary {
  id: string;
  name: string;
  account_id: string | null;
  cluster: string;
  origin: "stored" | "file";
  enabled: boolean;
  connections: number;
  channels: number;
  messages_today: number;
}

export interface AppSettings {
  client_events: boolean;
  subscription_count: boolean;
  watchlist: boolean;
  authorized_connections: boolean;
  force_tls: boolean;
  strict_event_names: boolean;
  batch_webhooks: boolean;
  announce_before_ack: boolean;
  compression: boolean;
  allowed_origins: string[];
  max_connections: number;
  max_channels_per_connection: number;
  max_presence_members: number;
  max_user_object_bytes: number;
  max_event_bytes: number;
  max_client_events_per_s: number;
  max_messages_per_day: number;
  max_watchlist: number;
  cache_ttl_s: number;
}

export interface App extends AppSummary {
  created_at: string | null;
  settings: AppSettings;
  limits: { connections: Used; messages_today: Used };
  role: Role;
  /** The oldest active key, which signs webhooks. */
  key: string | null;
}

export interface NewApp {
  account_id: string;
  name: string;
  cluster?: string;
}

export interface AppChange {
  name?: string;
  enabled?: boolean;
  cluster?: string;
  settings?: Partial<AppSettings>;
}

export interface Key {
  key: string;
  active: boolean;
  created_at: string | null;
}

/** Without an account: all that one may see. */
export const useApps = (account: string | undefined, q: string): Listing<AppSummary> =>
  useListing(["apps", account], ["apps"], "apps", { account_id: account, q }, 5_000);

export const appQuery = (id: string) =>
  queryOptions({
    queryKey: ["app", id],
    queryFn: () => api.read<App>(["apps", id]),
    refetchInterval: 5_000,
  });

export const useApp = (id: string) => useQuery(appQuery(id));

export function useCreateApp() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (app: NewApp) => api.post<App & { secret: string }>(["apps"], app),
    onSuccess: () => client.invalidateQueries({ queryKey: ["apps"] }),
  });
}

export function useChangeApp(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: AppChange) => api.patch<App>(["apps", id], change),
    onSuccess: (app) => {
      client.setQueryData(["app", id], app);
      return client.invalidateQueries({ queryKey: ["apps"] });
    },
  });
}

export function useDeleteApp(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.remove(["apps", id]),
    onSuccess: () => client.invalidateQueries({ queryKey: ["apps"] }),
  });
}

export const useKeys = (app: string) =>
  useQuery({
    queryKey: ["app", app, "keys"],
    queryFn: () => api.read<{ keys: Key[] }>(["apps", app, "keys"]),
    select: (page) => page.keys,
  });

function useKeyChange<T, R>(app: string, change: (what: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ["app", app] }),
  });
}

export const useCreateKey = (app: string) =>
  useKeyChange(app, () => api.post<Key & { secret: string }>(["apps", app, "keys"], {}));

export const useSwitchKey = (app: string) =>
  useKeyChange(app, ({ key, active }: { key: string; active: boolean }) =>
    api.patch<Key>(["apps", app, "keys", key], { active }),
  );

export const useDeleteKey = (app: string) =>
  useKeyChange(app, (key: string) => api.remove(["apps", app, "keys", key]));

/** Not a query: a secret is asked for deliberately, and not kept. */
export const revealSecret = (app: string, key: string) =>
  api.post<{ secret: string }>(["apps", app, "keys", key, "reveal"]).then((answer) => answer.secret);
