import { Anchor, Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { App } from "../../api/apps";
import { useHealths, useWebhooks } from "../../api/webhooks";
import { Bones } from "../../parts/Loaded";
import { Panel } from "../../parts/Panel";
import { Spark } from "../../parts/Spark";
import { HealthStatus } from "../webhooks/HealthStatus";

export function WebhookGlance({ app }: { app: App }) {
  const webhooks = useWebhooks(app.id);
  const healths = useHealths(app.id);
  return (
    <Panel
      title="Webhooks"
      actions={
        <Anchor component={Link} to="/apps/$appId/webhooks" params={{ appId: app.id } as never} size="sm">
          All webhooks
        </Anchor>
      }
    >
      {webhooks.isPending && <Bones rows={2} />}
      {webhooks.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          Your server hears nothing yet. A webhook tells it who came, who left and what clients said.
        </Text>
      )}
      <Stack gap="sm">
        {webhooks.data?.map((webhook) => (
          <Group key={webhook.id} justify="space-between" wrap="nowrap" gap="md">
            <Anchor
              component={Link}
              to="/apps/$appId/webhooks/$id"
              params={{ appId: app.id, id: webhook.id } as never}
              size="sm"
              flex={1}
              miw={0}
              truncate
            >
              {webhook.url}
            </Anchor>
            <Group gap="sm" wrap="nowrap" visibleFrom="xs" w={130}>
              <Spark bars={healths.data?.[webhook.id]?.spark ?? []} label={`Deliveries of the last hour to ${webhook.url}`} />
            </Group>
            <Group w={84} wrap="nowrap">
              <HealthStatus webhook={webhook} health={healths.data?.[webhook.id]} />
            </Group>
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}
