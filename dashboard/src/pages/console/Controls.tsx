import { Button, Group, Slider, Text } from "@mantine/core";
import { count, plural } from "../../format/number";
import { IconPlayerPause, IconPlayerPlay, IconTrash } from "../../parts/icons";
import { SearchInput } from "../../parts/SearchInput";
import { Status } from "../../parts/Status";
import type { Feed } from "./useFeed";

export const SPEEDS = [
  { label: "1 a second", perSecond: 1 },
  { label: "5 a second", perSecond: 5 },
  { label: "20 a second", perSecond: 20 },
  { label: "As it comes", perSecond: Infinity },
];

interface Props {
  feed: Feed;
  paused: boolean;
  onPaused: (paused: boolean) => void;
  speed: number;
  onSpeed: (speed: number) => void;
  text: string;
  onText: (text: string) => void;
  channel: string;
  onChannel: (channel: string) => void;
}

export function Controls({ feed, paused, onPaused, speed, onSpeed, text, onText, channel, onChannel }: Props) {
  return (
    <Group gap="sm" mb="sm" align="center">
      <SearchInput label="Filter by text" value={text} onChange={onText} w={200} />
      <SearchInput label="Filter by channel" value={channel} onChange={onChannel} w={180} />
      <Button variant="default" leftSection={paused ? <IconPlayerPlay size={16} /> : <IconPlayerPause size={16} />} onClick={() => onPaused(!paused)} aria-pressed={paused}>
        {paused ? "Continue" : "Pause"}
      </Button>
      <Button variant="default" leftSection={<IconTrash size={16} />} onClick={feed.clear}>
        Clear
      </Button>
      <div style={{ width: 130 }}>
        <Text size="xs" c="dimmed" aria-hidden>
          Speed: {SPEEDS[speed]?.label.toLowerCase()}
        </Text>
        <Slider
          size="sm"
          min={0}
          max={SPEEDS.length - 1}
          value={speed}
          onChange={onSpeed}
          label={null}
          thumbLabel="Speed"
          thumbProps={{ "aria-valuetext": SPEEDS[speed]?.label }}
        />
      </div>
      <LiveState feed={feed} paused={paused} />
    </Group>
  );
}

function LiveState({ feed, paused }: { feed: Feed; paused: boolean }) {
  if (paused) return <Status tone="warn">Paused, {plural(feed.waiting, "line")} waiting</Status>;
  if (feed.state === "open") return <Status tone="good">Live{feed.waiting > 0 && `, ${count(feed.waiting)} waiting`}</Status>;
  return <Status tone={feed.state === "lost" ? "bad" : "idle"}>{feed.state === "lost" ? "Reconnecting" : "Connecting"}</Status>;
}
