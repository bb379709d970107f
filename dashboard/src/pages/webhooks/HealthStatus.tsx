import type { Health, Webhook } from "../../api/webhooks";
import { Status, type Tone } from "../../parts/Status";

type Known = Pick<Webhook, "enabled" | "disabled" | "failing_since">;

const STATES: Record<Health["state"], [Tone, string]> = {
  healthy: ["good", "Healthy"],
  failing: ["bad", "Failing"],
  probing: ["warn", "Probing"],
  disabled: ["idle", "Disabled"],
  idle: ["idle", "Idle"],
};

/** How an endpoint is, in a word; without figures of it, what the webhook itself tells. */
export function HealthStatus({ webhook, health }: { webhook: Known; health: Health | undefined }) {
  const [tone, word] = STATES[stateOf(webhook, health)];
  return <Status tone={tone}>{word}</Status>;
}

export function stateOf(webhook: Known, health: Health | undefined): Health["state"] {
  if (!webhook.enabled) return "disabled";
  if (health) return health.state;
  return webhook.failing_since ? "failing" : "idle";
}
