import { Group, Stack, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useMemo } from "react";
import { count } from "../../format/number";
import { type LogLine, most } from "./lines";

const SHOWN = 3;

interface Props {
  lines: readonly LogLine[];
  onChannel: (channel: string) => void;
  onText: (text: string) => void;
}

/** Of the lines on this page; a click filters. */
export function MostFrequent({ lines, onChannel, onText }: Props) {
  const channels = useMemo(() => most(lines, "channel", SHOWN), [lines]);
  const events = useMemo(() => most(lines, "event", SHOWN), [lines]);
  return (
    <Stack gap="sm">
      <Ranking title="Channels" ranked={channels} onChoose={onChannel} />
      <Ranking title="Events" ranked={events} onChoose={onText} />
    </Stack>
  );
}

function Ranking({ title, ranked, onChoose }: { title: string; ranked: [string, number][]; onChoose: (name: string) => void }) {
  return (
    <div>
      <Text size="xs" c="dimmed" fw={600} mb={4}>
        {title}
      </Text>
      {ranked.length === 0 && (
        <Text size="sm" c="dimmed">
          none yet
        </Text>
      )}
      {ranked.map(([name, times]) => (
        <UnstyledButton key={name} w="100%" onClick={() => onChoose(name)}>
          <VisuallyHidden>Filter by </VisuallyHidden>
          <Group justify="space-between" wrap="nowrap" gap="xs">
            <Text size="sm" truncate>
              {name}
            </Text>
            <Text size="sm" c="dimmed" className="nums">
              {count(times)}
            </Text>
          </Group>
        </UnstyledButton>
      ))}
    </div>
  );
}
