import { SegmentedControl, Stack } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { RANGES, type Range, type Stats, useStats } from "../../api/stats";
import { milliseconds } from "../../format/duration";
import { bytes, count, percent } from "../../format/number";
import { Figure, Figures } from "../../parts/Figure";
import { Loaded } from "../../parts/Loaded";
import { Page } from "../../parts/Page";
import { useFilters } from "../../parts/useFilters";
import { Charts } from "./Charts";
import { successOf, total } from "./series";

const route = getRouteApi("/inside/apps/$appId");

const LABELS: Record<Range, string> = { "1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days" };

export default function StatsPage() {
  const { appId } = route.useParams();
  const [filters, setFilters] = useFilters();
  const range = RANGES.find((known) => known === filters.range) ?? "24h";
  const query = useStats(appId, range);
  return (
    <Page
      title="Stats"
      lead="Messages are counted as Pusher counts them: one for each publish, and one for each delivery."
      actions={
        <SegmentedControl
          aria-label="Span of time"
          value={range}
          onChange={(next) => setFilters({ range: next })}
          data={RANGES.map((value) => ({ value, label: LABELS[value] }))}
        />
      }
    >
      <Loaded query={query}>
        {(stats) => (
          <Stack gap="md">
            <Totals stats={stats} />
            <Charts stats={stats} />
          </Stack>
        )}
      </Loaded>
    </Page>
  );
}

function Totals({ stats: { totals } }: { stats: Stats }) {
  const success = successOf(totals);
  return (
    <Figures>
      <Figure label="Messages" value={count(total(totals))} />
      <Figure label="Connections" value={count(totals.connections.now)} unit="now" hint={`peak ${count(totals.connections.peak)}`} />
      <Figure label="Average message" value={bytes(totals.message_bytes.average)} hint={`median ${bytes(totals.message_bytes.p50)}, p95 ${bytes(totals.message_bytes.p95)}, largest ${bytes(totals.message_bytes.max)}`} />
      <Figure label="API latency" value={totals.api.requests === 0 ? "–" : milliseconds(totals.api.p50_ms)} unit="p50" hint={totals.api.requests === 0 ? "no requests" : `p95 ${milliseconds(totals.api.p95_ms)}, ${count(totals.api.requests)} requests`} />
      <Figure label="Webhooks accepted" value={success === null ? "–" : percent(success)} hint={`${count(totals.webhooks.accepted)} accepted, ${count(totals.webhooks.failed)} failed`} />
    </Figures>
  );
}
