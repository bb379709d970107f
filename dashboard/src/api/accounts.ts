import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client";
import { type Listing, useListing } from "./pages";
import type { Role } from "./session";

export interface Plan {
  name: string;
  max_apps: number;
  max_connections_per_app: number;
  max_messages_per_day: number;
  max_webhooks_per_app: number;
}

export interface Account {
  id: string;
  name: string;
  role: Role;
  plan: Plan;
  created_at: string;
}

/** How much of a limit is used; no limit: `limit` and `percent` are null. */
export interface Used {
  used: number;
  limit: number | null;
  percent: number | null;
}

export interface Usage {
  apps: Used;
  messages_today: Used;
  busiest_app: { app_id: string; name: string; connections: Used } | null;
  warnings: string[];
}

export interface AuditEntry {
  id: string;
  at: string;
  actor: { kind: "user" | "token" | "cli" | "system"; id: string; name: string; address: string | null };
  action: string;
  app_id: string | null;
  target: string;
  changes: { field: string; from: unknown; to: unknown }[];
}

export const useAccounts = () =>
  useQuery({
    queryKey: ["accounts"],
    queryFn: () => api.read<{ accounts: Account[] }>(["accounts"]),
    select: (page) => page.accounts,
  });

export const useAccount = (id: string) =>
  useQuery({ queryKey: ["accounts", id], queryFn: () => api.read<Account>(["accounts", id]) });

export const useUsage = (id: string) =>
  useQuery({
    queryKey: ["accounts", id, "usage"],
    queryFn: () => api.read<Usage>(["accounts", id, "usage"]),
    refetchInterval: 30_000,
  });

export const useAudit = (
  id: string,
  filter: { actor?: string; action?: string; app_id?: string; from?: string; to?: string },
): Listing<AuditEntry> =>
  useListing(["accounts", id, "audit"], ["accounts", id, "audit"], "entries", filter, 30_000);

/** A change of accounts; the session tells accounts' names too. */
export function useAccountChange<T, R>(change: (what: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["accounts"] }),
        client.invalidateQueries({ queryKey: ["session"] }),
      ]),
  });
}

export const useCreateAccount = () =>
  useAccountChange((account: { name: string; plan?: Plan }) => api.post<Account>(["accounts"], account));

export const useChangeAccount = (id: string) =>
  useAccountChange((change: { name?: string; plan?: Plan }) => api.patch<Account>(["accounts", id], change));

export const useDeleteAccount = () => useAccountChange((id: string) => api.remove(["accounts", id]));
