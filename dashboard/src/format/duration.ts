/** What is measured in whole milliseconds says `< 1 ms` for none. `0.4 ms`, `41 ms`, `1.2 s`, `2 min 5 s`. */
export function milliseconds(ms: number): string {
  if (ms === 0) return "< 1 ms";
  if (ms < 0.1) return "< 0.1 ms";
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
  return seconds(ms / 1000);
}

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** The two largest units: `43 min 25 s`, `3 d 4 h`. */
export function seconds(total: number): string {
  let rest = Math.max(0, Math.round(total));
  if (rest === 0) return "0 s";
  const said: string[] = [];
  for (const [size, unit] of STEPS) {
    const n = Math.floor(rest / size);
    if (n > 0) said.push(`${n} ${unit}`);
    else if (said.length > 0) break;
    if (said.length === 2) break;
    rest -= n * size;
  }
  return said.join(" ");
}
