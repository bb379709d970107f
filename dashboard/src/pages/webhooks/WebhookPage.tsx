import { Alert, Anchor, Group, Stack, Title } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useApp } from "../../api/apps";
import { type Health, useHealth, useWebhook, type Webhook } from "../../api/webhooks";
import { milliseconds, seconds } from "../../format/duration";
import { count, percent } from "../../format/number";
import { moment } from "../../format/moment";
import { may } from "../../format/role";
import { BackLink } from "../../parts/BackLink";
import { Figure, Figures } from "../../parts/Figure";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { Panel } from "../../parts/Panel";
import { Spark } from "../../parts/Spark";
import { DeliveryTable } from "../deliveries/DeliveryTable";
import { Gaps } from "./Gaps";
import { HealthStatus } from "./HealthStatus";
import { WebhookActions } from "./WebhookActions";
import { WebhookFacts } from "./WebhookFacts";

const route = getRouteApi("/inside/apps/$appId/webhooks/$id");

export default function WebhookPage() {
  const { appId, id } = route.useParams();
  const app = useApp(appId).data;
  const query = useWebhook(appId, id);
  const health = useHealth(appId, id).data;
  return (
    <Page
      title={query.data?.url ?? "Webhook"}
      lead={query.data?.description}
      back={
        <BackLink to="/apps/$appId/webhooks" params={{ appId }}>
          Webhooks
        </BackLink>
      }
      actions={query.data && may(app?.role, "developer") && <WebhookActions webhook={query.data} />}
    >
      <Loaded query={query}>{(webhook) => <Content webhook={webhook} health={health} />}</Loaded>
    </Page>
  );
}

function Content({ webhook, health }: { webhook: Webhook; health: Health | undefined }) {
  return (
    <Stack gap="md">
      <Disabled webhook={webhook} />
      <HealthRow webhook={webhook} health={health} />
      {health && (
        <Panel title="The last hour" lead="Attempts a minute: accepted, and on top those that failed.">
          <Spark bars={health.spark} label={`Attempts of the last hour to ${webhook.url}`} />
        </Panel>
      )}
      <Gaps webhook={webhook} />
      <Panel title="How it is set up">
        <WebhookFacts webhook={webhook} />
      </Panel>
      <section aria-label="Deliveries">
        <Group justify="space-between" mb="sm">
          <Title order={2} fz="md">
            Deliveries
          </Title>
          <Anchor component={Link} to="/apps/$appId/deliveries" params={{ appId: webhook.app_id } as never} search={{ endpoint: webhook.id } as never} size="sm">
            Filter them
          </Anchor>
        </Group>
        <DeliveryTable appId={webhook.app_id} filter={{ endpoint: webhook.id }} />
      </section>
    </Stack>
  );
}

const WHY = {
  manual: "Somebody disabled it",
  gone: "It answered 410 Gone",
  failing: "For days every attempt failed",
};

function Disabled({ webhook }: { webhook: Webhook }) {
  if (webhook.enabled || !webhook.disabled) return null;
  return (
    <Alert color="orange" title="This webhook is disabled">
      {WHY[webhook.disabled.reason]}, since {moment(webhook.disabled.at)}. What happens meanwhile is kept in the log; enable it and replay.
    </Alert>
  );
}

const BREAKERS = { closed: "closed: all is sent", open: "open: only probes are sent" };

function HealthRow({ webhook, health }: { webhook: Webhook; health: Health | undefined }) {
  return (
    <Figures>
      <Figure
        label="State"
        value={<HealthStatus webhook={webhook} health={health} />}
        hint={webhook.failing_since ? `Every attempt failed since ${moment(webhook.failing_since)}` : health && `Breaker ${BREAKERS[health.breaker]}`}
      />
      <Figure label="Accepted, last hour" value={health?.success_rate == null ? "–" : percent(health.success_rate)} />
      <Figure label="Latency p50" value={health?.p50_ms == null ? "–" : milliseconds(health.p50_ms)} hint={health?.p95_ms == null ? undefined : `p95 ${milliseconds(health.p95_ms)}`} />
      <Figure label="Waiting" value={health ? count(health.queue.events) : "–"} unit="events" hint={health && health.queue.events > 0 ? `the oldest for ${seconds(health.queue.age_s)}` : undefined} />
    </Figures>
  );
}
