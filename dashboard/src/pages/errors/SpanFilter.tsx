import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useFilters } from "../../parts/useFilters";

const SPANS = [
  { value: "1h", label: "Last hour", ms: 3_600_000 },
  { value: "24h", label: "Day", ms: 86_400_000 },
  { value: "7d", label: "Week", ms: 604_800_000 },
  { value: "30d", label: "30 days", ms: 2_592_000_000 },
] as const;

/** From when on; to the minute, so that it is one question for a while. */
export function useSpan(): [{ name: string; from: string }, (name: string) => void] {
  const [filters, setFilters] = useFilters();
  const span = SPANS.find(({ value }) => value === filters.span) ?? SPANS[2];
  const [now] = useState(Date.now);
  const from = new Date(Math.floor((now - span.ms) / 60_000) * 60_000).toISOString();
  return [{ name: span.value, from }, (name) => setFilters({ span: name })];
}

export function SpanFilter({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  return <SegmentedControl aria-label="Span of time" value={value} onChange={onChange} data={SPANS.map(({ value: name, label }) => ({ value: name, label }))} />;
}
