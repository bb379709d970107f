import type { LogLine } from "./lines";

export const KEPT = 2000;

/**
 * What the console shows and what waits to be shown. Lines wait while it is paused or slowed; of too
 * many the oldest are dropped and counted. A line that came before is not taken twice: after a
 * reconnect the server tells the last ones again.
 */
export class Ring {
  /** Newest first. */
  shown: readonly LogLine[] = [];
  waiting: LogLine[] = [];
  dropped = 0;
  private seen = new Set<string>();
  private due = 0;

  take(line: LogLine) {
    if (this.seen.has(line.id)) return;
    this.seen.add(line.id);
    this.waiting.push(line);
    if (this.waiting.length > KEPT) {
      this.waiting.shift();
      this.dropped += 1;
    }
    if (this.seen.size > 4 * KEPT) this.forget();
  }

  /** Shows what may be shown after `seconds` at `perSecond`; whether anything changed. */
  drain(seconds: number, perSecond: number): boolean {
    this.due = Math.min(this.due + seconds * perSecond, this.waiting.length);
    const n = perSecond === Infinity ? this.waiting.length : Math.floor(this.due);
    if (n === 0) return false;
    this.due -= Math.min(n, this.due);
    const fresh = this.waiting.splice(0, n).toReversed();
    this.shown = [...fresh, ...this.shown].slice(0, KEPT);
    return true;
  }

  clear() {
    this.shown = [];
    this.waiting = [];
    this.dropped = 0;
  }

  private forget() {
    this.seen = new Set([...this.shown, ...this.waiting].map((line) => line.id));
  }
}
