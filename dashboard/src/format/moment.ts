import { seconds } from "./duration";

const day: Intl.DateTimeFormatOptions = { year: "numeric", month: "short", day: "numeric" };
const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

const dayFormat = new Intl.DateTimeFormat(undefined, day);
const timeFormat = new Intl.DateTimeFormat(undefined, time);
const bothFormat = new Intl.DateTimeFormat(undefined, { ...day, ...time });

/** In the reader's zone: `21 Nov 2026, 09:30:00`. */
export const moment = (at: string): string => bothFormat.format(new Date(at));
export const dayOf = (at: string): string => dayFormat.format(new Date(at));
export const timeOf = (at: string): string => timeFormat.format(new Date(at));

/** `2026-11-21 09:30:00 UTC`, for the hint. */
export const utc = (at: string): string => `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** `just now`, `3 min ago`, `in 2 h`; only the largest unit. */
export function ago(at: string, now: number = Date.now()): string {
  const s = Math.round((now - Date.parse(at)) / 1000);
  if (Math.abs(s) < 5) return "just now";
  const words = seconds(Math.abs(s)).split(" ").slice(0, 2).join(" ");
  return s > 0 ? `${words} ago` : `in ${words}`;
}

/** What `<input type="datetime-local">` holds, as the server's UTC; empty and half-typed give nothing. */
export function utcOfLocal(local: string | undefined): string | undefined {
  if (!local) return undefined;
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
