import type { Health } from "../../api/webhooks";
import { milliseconds, seconds } from "../../format/duration";
import { brief, percent } from "../../format/number";

/** Success, latency and queue of an endpoint. */
export function HealthFigures({ health, className }: { health: Health | undefined; className?: string }) {
  return (
    <dl className={className}>
      <div>
        <dt>Accepted, last hour</dt>
        <dd>{health?.success_rate == null ? "nothing sent" : percent(health.success_rate)}</dd>
      </div>
      <div>
        <dt>Latency p50 / p95</dt>
        <dd>{health?.p50_ms == null || health.p95_ms == null ? "–" : `${milliseconds(health.p50_ms)} / ${milliseconds(health.p95_ms)}`}</dd>
      </div>
      <div>
        <dt>Waiting</dt>
        <dd>{waiting(health)}</dd>
      </div>
    </dl>
  );
}

function waiting(health: Health | undefined): string {
  if (!health) return "–";
  const { events, age_s } = health.queue;
  return events === 0 ? "nothing" : `${brief(events)} events, ${seconds(age_s)}`;
}
