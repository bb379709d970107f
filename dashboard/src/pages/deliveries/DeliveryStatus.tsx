import type { DeliveryStatus as Known } from "../../api/deliveries";
import { Status, type Tone } from "../../parts/Status";

export const STATUS_WORDS: Record<Known, [Tone, string]> = {
  pending: ["warn", "Pending"],
  delivered: ["good", "Delivered"],
  failed: ["bad", "Failed"],
  discarded: ["idle", "Discarded"],
  split: ["info", "Split"],
};

export function DeliveryStatus({ status }: { status: Known }) {
  const [tone, word] = STATUS_WORDS[status];
  return <Status tone={tone}>{word}</Status>;
}
