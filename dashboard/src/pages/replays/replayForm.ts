import type { NewReplay } from "../../api/replays";
import { utcOfLocal } from "../../format/moment";

export interface ReplayValues {
  webhook: string;
  kind: "failed" | "log";
  from: string;
  to: string;
  channel: string;
  event: string;
}

export const FIELDS = ["webhook", "from", "to", "channel", "event"] as const;

/** What is sent; what is empty means no bound. */
export function newReplay({ kind, from, to, channel, event }: Omit<ReplayValues, "webhook">): NewReplay {
  const span = withoutEmpty({ from: utcOfLocal(from), to: utcOfLocal(to) });
  if (kind === "failed") return { failed: span };
  return { log: { ...span, ...withoutEmpty({ channel, event }) } };
}

const withoutEmpty = (part: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(part).filter(([, value]) => value));
