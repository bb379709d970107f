import { Text } from "@mantine/core";
import type { Health, Webhook } from "../../api/webhooks";
import { RowLink } from "../../parts/RowLink";
import { Spark } from "../../parts/Spark";
import { Tag } from "../../parts/Status";
import { HealthFigures } from "./HealthFigures";
import { HealthStatus } from "./HealthStatus";
import classes from "./WebhookCard.module.css";

/** One endpoint at a glance; all of the card leads to its page. */
export function WebhookCard({ webhook, health }: { webhook: Webhook; health: Health | undefined }) {
  return (
    <article className={classes.card}>
      <div className={classes.what}>
        <RowLink to="/apps/$appId/webhooks/$id" params={{ appId: webhook.app_id, id: webhook.id }}>
          <span className={classes.url}>{webhook.url}</span>
        </RowLink>
        {webhook.description && (
          <Text size="sm" c="dimmed">
            {webhook.description}
          </Text>
        )}
        <div className={classes.tags}>
          {webhook.events.length === 0 ? <Tag>all events</Tag> : webhook.events.map((event) => <Tag key={event}>{event}</Tag>)}
          {webhook.channel_prefix && <Tag>channels {webhook.channel_prefix}…</Tag>}
          {webhook.channel_suffix && <Tag>channels …{webhook.channel_suffix}</Tag>}
          {webhook.origin === "file" && <Tag>config file</Tag>}
        </div>
      </div>
      <div className={classes.how}>
        <div className={classes.state}>
          <HealthStatus webhook={webhook} health={health} />
          {health?.breaker === "open" && <Tag>breaker open</Tag>}
        </div>
        {health && <Spark bars={health.spark} label={`Deliveries of the last hour to ${webhook.url}`} />}
      </div>
      <HealthFigures health={health} className={classes.figures} />
    </article>
  );
}
