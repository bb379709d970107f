import "@mantine/charts/styles.css";
import { AreaChart, BarChart, LineChart } from "@mantine/charts";
import { SimpleGrid } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import type { Stats } from "../../api/stats";
import { milliseconds, seconds } from "../../format/duration";
import { brief, bytes } from "../../format/number";
import { Panel } from "../../parts/Panel";
import { MESSAGE_KINDS, rows } from "./series";

const COMMON = {
  h: 240,
  dataKey: "at",
  withLegend: true,
  tickLine: "none" as const,
  gridAxis: "x" as const,
  strokeWidth: 1.6,
  xAxisProps: { minTickGap: 40 },
  yAxisProps: { width: 62 },
};

/** On an axis none is none, not "less than one". */
const latency = (ms: number) => (ms === 0 ? "0 ms" : milliseconds(ms));

const LINES = { withDots: false, curveType: "monotone" as const };

export function Charts({ stats }: { stats: Stats }) {
  const data = useMemo(() => rows(stats.series, stats.range), [stats]);
  const each = `each ${seconds(stats.step_s)}`;
  return (
    <>
      <Chart title="Messages" lead={`By kind, ${each}.`}>
        <AreaChart {...COMMON} {...LINES} h={280} type="stacked" data={data} series={[...MESSAGE_KINDS]} valueFormatter={brief} />
      </Chart>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Chart title="Connections" lead={`Now and at most, ${each}.`}>
          <AreaChart
            {...COMMON}
            {...LINES}
            data={data}
            series={[
              { name: "peak", label: "Peak", color: "gray.5" },
              { name: "connections", label: "Connections", color: "teal.6" },
            ]}
            valueFormatter={brief}
          />
        </Chart>
        <Chart title="Webhooks" lead={`Attempts, ${each}.`}>
          <BarChart
            {...COMMON}
            type="stacked"
            data={data}
            series={[
              { name: "accepted", label: "Accepted", color: "teal.6" },
              { name: "failed", label: "Failed", color: "red.7" },
            ]}
            valueFormatter={brief}
          />
        </Chart>
        <Chart title="Message size" lead="Average and p95.">
          <LineChart
            {...COMMON}
            {...LINES}
            data={data}
            series={[
              { name: "average_bytes", label: "Average", color: "teal.6" },
              { name: "p95_bytes", label: "p95", color: "orange.6" },
            ]}
            valueFormatter={bytes}
          />
        </Chart>
        <Chart title="API latency" lead="From the request read to the answer written.">
          <LineChart
            {...COMMON}
            {...LINES}
            data={data}
            connectNulls={false}
            series={[
              { name: "api_p50", label: "p50", color: "teal.6" },
              { name: "api_p95", label: "p95", color: "orange.6" },
            ]}
            valueFormatter={latency}
          />
        </Chart>
        <Chart title="API requests" lead={`Answered and refused, ${each}.`}>
          <BarChart
            {...COMMON}
            type="stacked"
            data={data}
            series={[
              { name: "requests", label: "Answered", color: "teal.6" },
              { name: "errors", label: "Refused", color: "red.7" },
            ]}
            valueFormatter={brief}
          />
        </Chart>
      </SimpleGrid>
    </>
  );
}


function Chart({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  return (
    <Panel title={title} lead={lead}>
      {children}
    </Panel>
  );
}
