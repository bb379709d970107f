import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, keepCsrfToken } from "./client";

export type Role = "owner" | "developer" | "viewer";

export interface User {
  id: string;
  email: string;
  name: string;
  operator: boolean;
}

export interface Membership {
  id: string;
  name: string;
  role: Role;
}

export interface Session {
  user: User;
  csrf_token: string;
  expires_at: string;
  accounts: Membership[];
}

export interface OpenSession {
  id: string;
  created_at: string;
  last_seen_at: string;
  address: string | null;
  user_agent: string;
  current: boolean;
}

export interface InvitationSeen {
  account: { name: string };
  email: string | null;
  role: Role;
  expires_at: string;
  /** The e-mail has a user. */
  known: boolean;
  invited_by: string;
}

export interface Newcomer {
  name: string;
  email: string;
  password: string;
}

export interface UserChange {
  name?: string;
  email?: string;
  password?: string;
  current_password?: string;
}

const kept = (session: Session): Session => {
  keepCsrfToken(session.csrf_token);
  return session;
};

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => api.read<Session>(["session"], {}, signal).then(kept),
  staleTime: 60_000,
});

/** The session of whoever is signed in; only for pages that stand behind the sign-in. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery);
  if (!data) throw new Error("A page that needs a session was shown without one.");
  return data;
}

export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: () => api.read<{ needed: boolean }>(["setup"]),
});

/** Signing in by any door: what comes back is a session. */
function useDoor<T>(enter: (what: T) => Promise<Session>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (what: T) => enter(what).then(kept),
    onSuccess: (session) => {
      client.clear();
      client.setQueryData(sessionQuery.queryKey, session);
    },
  });
}

export const useSignIn = () =>
  useDoor((who: { email: string; password: string }) => api.post<Session>(["session"], who));

export const useSetup = () =>
  useDoor((who: Newcomer & { token: string }) => api.post<Session>(["setup"], who));

/** Whoever is signed in says nothing more about themselves. */
export const useAcceptInvitation = (token: string) =>
  useDoor((who: Partial<Newcomer>) => api.post<Session>(["invitation", "accept"], { ...who, token }));

export const useSignOut = () => useMutation({ mutationFn: () => api.remove(["session"]) });

export const useInvitationSeen = (token: string) =>
  useQuery({
    queryKey: ["invitation", token],
    queryFn: () => api.post<InvitationSeen>(["invitation"], { token }),
    enabled: token !== "",
  });

export function useChangeUser() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: UserChange) => api.patch<User>(["session", "user"], change),
    onSuccess: () => client.invalidateQueries(),
  });
}

export const useOpenSessions = () =>
  useQuery({
    queryKey: ["sessions"],
    queryFn: () => api.read<{ sessions: OpenSession[] }>(["session", "list"]),
    select: (page) => page.sessions,
  });

export function useEndSession() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.remove(["session", "list", id]),
    onSuccess: () => client.invalidateQueries({ queryKey: ["sessions"] }),
  });
}
