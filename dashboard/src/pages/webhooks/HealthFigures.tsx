import type { Health } from "../../api/webhooks";
import { milliseconds, seconds } from "../../format/duration";
import { brief, percent } from "../../format/number";

/** Success, latency and queue of an endpoint. */
export function HealthFigures({ health, className }: { health: Health | undefined; className?: string }) {
  return (
    <dl className={className}>
      <div>
        <dt>Accepted, 1 h</dt>
        <dd>{health?.success_rate == null ? "–" : percent(health.success_rate)}</dd>
      </div>
      <div>
        <dt>p50, p95</dt>
        <dd>{health?.p50_ms == null ? "–" : milliseconds(health.p50_ms)}</dd>
        <dd>{health?.p95_ms != null && milliseconds(health.p95_ms)}</dd>
      </div>
      <div>
        <dt>Waiting</dt>
        <dd>{health ? (health.queue.events === 0 ? "nothing" : `${brief(health.queue.events)} events`) : "–"}</dd>
        <dd>{health && health.queue.events > 0 && seconds(health.queue.age_s)}</dd>
      </div>
    </dl>
  );
}
