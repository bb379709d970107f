const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** `12,345`. */
export const count = (n: number): string => whole.format(n);

/** `12.3K`, for where there is little room. */
export const brief = (n: number): string => (Math.abs(n) < 10_000 ? whole.format(n) : short.format(n));

/** `1 webhook`, `2 webhooks`. */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

/** `99.8 %`; never `100 %` of what is not whole. */
export function percent(part: number): string {
  const p = part * 100;
  if (p > 99.9 && p < 100) return "99.9 %";
  if (p > 0 && p < 0.1) return "0.1 %";
  return `${Number(p.toFixed(1))} %`;
}

/** `512 B`, `1.5 KiB`, `3 MiB`. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(value < 10 ? 1 : 0))} ${units[unit]}`;
}
