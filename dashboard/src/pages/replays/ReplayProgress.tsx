import { Button, Group, Progress, Text } from "@mantine/core";
import { type Replay, useCancelReplay, useReplay } from "../../api/replays";
import { count } from "../../format/number";
import { Trouble } from "../../parts/Trouble";
import { outcome } from "../../parts/tell";

/** How far a replay is that was just started. */
export function ReplayProgress({ appId, started, error }: { appId: string; started: Replay | undefined; error?: unknown }) {
  const { data } = useReplay(appId, started?.id ?? null);
  if (error) return <Trouble error={error} />;
  const replay = data ?? started;
  return replay ? <ReplayBar appId={appId} replay={replay} mayCancel /> : null;
}

export function ReplayBar({ appId, replay, mayCancel }: { appId: string; replay: Replay; mayCancel: boolean }) {
  const cancel = useCancelReplay(appId);
  const share = (n: number) => (replay.total === 0 ? 0 : (n / replay.total) * 100);
  return (
    <div aria-live="polite">
      <Group justify="space-between" mb={4} gap="xs">
        <Text size="sm" className="nums">
          {sentence(replay)}
        </Text>
        {mayCancel && replay.state === "running" && (
          <Button size="compact-xs" variant="default" onClick={() => cancel.mutate(replay.id, outcome("Replay stopped."))}>
            Stop
          </Button>
        )}
      </Group>
      <Progress.Root size="sm">
        <Progress.Section value={share(replay.delivered)} color="teal.7" aria-label="Accepted" />
        <Progress.Section value={share(replay.failed)} color="red.8" aria-label="Failed" />
      </Progress.Root>
    </div>
  );
}

const STATE = { running: "Replaying", done: "Done", cancelled: "Stopped" };

function sentence({ state, total, delivered, failed }: Replay): string {
  const bad = failed > 0 ? `, ${count(failed)} failed` : "";
  return `${STATE[state]}: ${count(delivered)} of ${count(total)} accepted${bad}`;
}
