export interface Minute {
  at: string;
  accepted: number;
  failed: number;
}

const MINUTE_MS = 60_000;
const SHOWN = 60;

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS);

/** The last hour minute by minute; what the server leaves out had no attempt. */
export function everyMinute(told: readonly Minute[], now: number): Minute[] {
  const known = new Map(told.map((minute) => [minuteOf(Date.parse(minute.at)), minute]));
  const last = minuteOf(now);
  return Array.from({ length: SHOWN }, (_, i) => {
    const minute = last - SHOWN + 1 + i;
    return known.get(minute) ?? { at: new Date(minute * MINUTE_MS).toISOString(), accepted: 0, failed: 0 };
  });
}
