import { Group, Progress, Text } from "@mantine/core";
import type { Used } from "../api/accounts";
import { count } from "../format/number";

/** Warned at this share of a limit. */
export const WARN_PERCENT = 80;

const colorOf = (percent: number) => (percent >= 100 ? "red.8" : percent >= WARN_PERCENT ? "orange.7" : "teal.7");

export function UsageBar({ label, used, unit }: { label: string; used: Used; unit: string }) {
  const percent = used.percent ?? 0;
  return (
    <div>
      <Group justify="space-between" mb={6} gap="xs">
        <Text size="sm" fw={550}>
          {label}
        </Text>
        <Text size="sm" c="dimmed" className="nums">
          {count(used.used)} {used.limit === null ? `${unit}, no limit` : `of ${count(used.limit)} ${unit}`}
          {used.limit !== null && ` (${percent} %)`}
        </Text>
      </Group>
      {used.limit !== null && (
        <Progress value={Math.min(percent, 100)} color={colorOf(percent)} aria-label={`${label}: ${percent} % used`} />
      )}
    </div>
  );
}
