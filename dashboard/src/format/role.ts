import type { Role } from "../api/session";

const RANK: Record<Role, number> = { viewer: 0, developer: 1, owner: 2 };

/** Whether a role may do what a smaller one may not. */
export const may = (role: Role | undefined, least: Role): boolean => role !== undefined && RANK[role] >= RANK[least];

export const ROLES: { value: Role; label: string; means: string }[] = [
  { value: "owner", label: "Owner", means: "Everything, also members and deleting apps" },
  { value: "developer", label: "Developer", means: "Changes apps, keys and webhooks; sends events" },
  { value: "viewer", label: "Viewer", means: "Sees everything but secrets; changes nothing" },
];
