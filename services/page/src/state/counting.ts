/**
 * The monitor's counts. Only the server knows them: a page sees some of the jobs, in any order, some of them twice. So
 * nothing is added up here; what may have changed the counts has them asked for again, once for a whole burst.
 */

import type { Counts } from "../model/types.ts";

/** Runs `action` after a while; the answer calls it off. */
export type Schedule = (action: () => void, delay_ms: number) => () => void;

const QUIET_MS = 300;
/** In a burst that does not end, the counts are asked for this often. */
const WAIT_MAX_MS = 2_000;
const RETRY_MS = 5_000;

const byTimer: Schedule = (action, delay_ms) => {
  const timer = setTimeout(action, delay_ms);
  return () => clearTimeout(timer);
};

export class Counting {
  private readonly ask: () => Promise<Counts | null>;
  private readonly show: (counts: Counts) => void;
  private readonly schedule: Schedule;
  /** Requests are numbered as they start: an answer to an older one than is shown is out of date. */
  private last = 0;
  private shown = 0;
  private asking = false;
  /** Something changed since the last request started. */
  private stale = false;
  private cancelQuiet: () => void = () => undefined;
  private cancelLongest: (() => void) | null = null;

  /** `ask` gives null where there is no answer. */
  constructor(ask: () => Promise<Counts | null>, show: (counts: Counts) => void, schedule: Schedule = byTimer) {
    this.ask = ask;
    this.show = show;
    this.schedule = schedule;
  }

  /** A request that answers with the counts starts now; `take` wants the number back. */
  begin(): number {
    return ++this.last;
  }

  take(request: number, counts: Counts): void {
    if (request < this.shown) return;
    this.shown = request;
    this.show(counts);
  }

  /** A job changed in a way that may change the counts. */
  changed(): void {
    this.stale = true;
    if (!this.asking) this.askSoon(QUIET_MS);
  }

  /** Asks at once. False: there was no answer, and the counts stay as they were. */
  async refresh(): Promise<boolean> {
    this.calm();
    this.asking = true;
    this.stale = false;
    const request = this.begin();
    const counts = await this.ask();
    this.asking = false;
    if (counts) this.take(request, counts);
    if (this.stale) this.askSoon(QUIET_MS);
    return counts !== null;
  }

  /** Forgets what was to be asked, and every answer still on its way. */
  reset(): void {
    this.calm();
    this.stale = false;
    this.shown = this.last + 1;
    this.last = this.shown;
  }

  private askSoon(delay_ms: number): void {
    this.cancelQuiet();
    this.cancelQuiet = this.schedule(() => void this.askNow(), delay_ms);
    this.cancelLongest ??= this.schedule(() => void this.askNow(), Math.max(delay_ms, WAIT_MAX_MS));
  }

  private async askNow(): Promise<void> {
    this.calm();
    if (this.asking) return;
    if (!(await this.refresh()) && !this.asking) this.askSoon(RETRY_MS);
  }

  private calm(): void {
    this.cancelQuiet();
    this.cancelLongest?.();
    this.cancelLongest = null;
  }
}
