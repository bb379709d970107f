import { useSyncExternalStore } from "react";
import { type Membership, useSession } from "../api/session";

const STORED = "bellwire.account";
const listeners = new Set<() => void>();

/** Storage may be forbidden: then the choice lasts as long as the page. */
let chosen: string | null = readStored();

function readStored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export function chooseAccount(id: string) {
  if (id === chosen) return;
  chosen = id;
  try {
    localStorage.setItem(STORED, id);
  } catch {
    // Kept in memory only.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The account whose apps are shown: the one chosen last, else the first; null: the user is in none. */
export function useCurrentAccount(): Membership | null {
  const { accounts } = useSession();
  const id = useSyncExternalStore(subscribe, () => chosen);
  return accounts.find((account) => account.id === id) ?? accounts[0] ?? null;
}
