import { Alert, List } from "@mantine/core";
import type { Usage } from "../../api/accounts";
import { IconAlertTriangle } from "../../parts/icons";

/** What of the plan is nearly used up; nothing if all is well. */
export function UsageWarnings({ usage }: { usage: Usage }) {
  if (usage.warnings.length === 0) return null;
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title="Near the limits of the plan" mb="lg">
      <List size="sm" spacing={2}>
        {usage.warnings.map((warning) => (
          <List.Item key={warning}>{warning}</List.Item>
        ))}
      </List>
    </Alert>
  );
}
