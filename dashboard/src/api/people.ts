import { useQuery } from "@tanstack/react-query";
import { useAccountChange } from "./accounts";
import { api } from "./client";
import type { Role } from "./session";

export interface Member {
  user_id: string;
  email: string;
  name: string;
  role: Role;
  joined_at: string;
}

export interface Invitation {
  id: string;
  email: string | null;
  role: Role;
  invited_by: string;
  created_at: string;
  expires_at: string;
}

export type TokenScope = "read" | "write";

export interface Token {
  id: string;
  name: string;
  scope: TokenScope;
  created_by: string;
  created_at: string;
  last_used_at: string | null;
}

export const useMembers = (account: string) =>
  useQuery({
    queryKey: ["accounts", account, "members"],
    queryFn: () => api.read<{ members: Member[] }>(["accounts", account, "members"]),
    select: (page) => page.members,
  });

export const useChangeMember = (account: string) =>
  useAccountChange(({ user, role }: { user: string; role: Role }) =>
    api.patch<Member>(["accounts", account, "members", user], { role }),
  );

export const useRemoveMember = (account: string) =>
  useAccountChange((user: string) => api.remove(["accounts", account, "members", user]));

export const useInvitations = (account: string, enabled: boolean) =>
  useQuery({
    queryKey: ["accounts", account, "invitations"],
    queryFn: () => api.read<{ invitations: Invitation[] }>(["accounts", account, "invitations"]),
    select: (page) => page.invitations,
    enabled,
  });

export const useInvite = (account: string) =>
  useAccountChange((who: { role: Role; email?: string }) =>
    api
      .post<Invitation & { link: string }>(["accounts", account, "invitations"], who)
      .then((made) => ({ ...made, link: new URL(made.link, document.baseURI).href })),
  );

export const useWithdrawInvitation = (account: string) =>
  useAccountChange((id: string) => api.remove(["accounts", account, "invitations", id]));

export const useTokens = (account: string) =>
  useQuery({
    queryKey: ["accounts", account, "tokens"],
    queryFn: () => api.read<{ tokens: Token[] }>(["accounts", account, "tokens"]),
    select: (page) => page.tokens,
  });

export const useCreateToken = (account: string) =>
  useAccountChange((token: { name: string; scope: TokenScope }) =>
    api.post<Token & { token: string }>(["accounts", account, "tokens"], token),
  );

export const useDeleteToken = (account: string) =>
  useAccountChange((id: string) => api.remove(["accounts", account, "tokens", id]));
