import { Button, Group, Stack, Text } from "@mantine/core";
import { useApp } from "../../api/apps";
import { type Gap, useGaps, useStartReplay } from "../../api/replays";
import type { Webhook } from "../../api/webhooks";
import { count, plural } from "../../format/number";
import { may } from "../../format/role";
import { Panel } from "../../parts/Panel";
import { outcome } from "../../parts/tell";
import { When } from "../../parts/When";

const SHOWN = 5;

const REASONS: Record<Gap["reason"], string> = {
  expired: "every attempt failed until it was too late",
  refused: "the receiver refused them",
  disabled: "the webhook was disabled",
  overflow: "more waited than is kept",
  retention: "they were older than the log keeps",
};

/** What this webhook missed, newest first; nothing if it missed nothing. */
export function Gaps({ webhook }: { webhook: Webhook }) {
  const gaps = useGaps(webhook.app_id, webhook.id).data ?? [];
  const role = useApp(webhook.app_id).data?.role;
  if (gaps.length === 0) return null;
  return (
    <Panel title="What it missed" lead="Its next request told it so. What the log still has can be sent again.">
      <Stack gap="sm">
        {gaps.slice(0, SHOWN).map((gap) => (
          <Group key={gap.first_seq} justify="space-between" gap="sm">
            <Text size="sm" component="div">
              {plural(gap.count, "event")} between places {count(gap.first_seq)} and {count(gap.last_seq)}: {REASONS[gap.reason] ?? gap.reason}, <When at={gap.at} relative />
            </Text>
            {may(role, "developer") && <Again webhook={webhook} gap={gap} />}
          </Group>
        ))}
        {gaps.length > SHOWN && (
          <Text size="sm" c="dimmed">
            And {plural(gaps.length - SHOWN, "older gap")}. Replay “Events of the log” for a span of time to fill them all.
          </Text>
        )}
      </Stack>
    </Panel>
  );
}

function Again({ webhook, gap }: { webhook: Webhook; gap: Gap }) {
  const start = useStartReplay(webhook.app_id);
  const what = { log: { from_seq: gap.first_seq, to_seq: gap.last_seq } };
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={start.isPending}
      onClick={() => start.mutate({ webhook: webhook.id, what }, outcome("They are being sent; see Replays."))}
      aria-label={`Send again places ${gap.first_seq} to ${gap.last_seq}`}
    >
      Send again
    </Button>
  );
}
