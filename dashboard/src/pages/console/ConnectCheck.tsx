import { Button, Group, Text } from "@mantine/core";
import { useState } from "react";
import { place } from "../../api/base";
import { IconPlugConnected } from "../../parts/icons";
import { Status } from "../../parts/Status";
import { type Connected, connect, socketUrl } from "./connect";

/** "Can this browser connect": asked of the real door, when somebody wants to know. */
export function ConnectCheck({ appKey }: { appKey: string }) {
  const [result, setResult] = useState<Connected | "asking">();
  const check = () => {
    setResult("asking");
    void connect(socketUrl(place(), appKey)).then(setResult);
  };
  return (
    <Group gap="sm" mb="md">
      <Button size="xs" variant="default" leftSection={<IconPlugConnected size={14} />} loading={result === "asking"} onClick={check}>
        Can this browser connect?
      </Button>
      <div role="status">{result && result !== "asking" && <Answer result={result} />}</div>
    </Group>
  );
}

function Answer({ result }: { result: Connected }) {
  if (!result.ok) return <Status tone="bad">No. {result.why}</Status>;
  return (
    <Group gap="xs">
      <Status tone="good">Yes, over a WebSocket in {result.ms} ms</Status>
      <Text size="sm" c="dimmed">
        as socket {result.socketId}
      </Text>
    </Group>
  );
}
