/** How much longer a job may take: a range, from its pace since the start and its pace of late. */

export interface Sample {
  at_ms: number;
  done: number;
}

const RECENT_MS = 15_000;
const EARLIEST_MS = 2_000;

/** Adds a sample and forgets those too old to speak for the recent pace. */
export function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  return [...samples.filter((each) => sample.at_ms - each.at_ms <= RECENT_MS && each.done <= sample.done), sample];
}

function secondsLeft(from: Sample, done: number, total: number, now_ms: number): number | null {
  const elapsed_ms = now_ms - from.at_ms;
  const gained = done - from.done;
  if (elapsed_ms < EARLIEST_MS || gained <= 0) return null;
  return ((total - done) * elapsed_ms) / gained / 1000;
}

/** `[shortest, longest]` in seconds; null while there is nothing to judge by. */
export function timeLeft(
  progress: { done: number; total: number },
  started_ms: number,
  samples: readonly Sample[],
  now_ms: number,
): [number, number] | null {
  const { done, total } = progress;
  if (done <= 0 || done >= total) return null;
  const starts = [{ at_ms: started_ms, done: 0 }, ...samples.slice(0, 1)];
  const guesses = starts.map((from) => secondsLeft(from, done, total, now_ms)).filter((each) => each !== null);
  if (guesses.length === 0) return null;
  return [Math.min(...guesses) * 0.9, Math.max(...guesses) * 1.15];
}

function range(shortest: number, longest: number, step: number, unit: string): string {
  const low = Math.max(Math.floor(shortest / step) * step, step);
  const high = Math.max(Math.ceil(longest / step) * step, low + step);
  return `${low}–${high} ${unit} left`;
}

/** `40–60 s left`, `2–3 min left`, `1–2 h left`. */
export function formatTimeLeft([shortest, longest]: [number, number]): string {
  if (longest <= 10) return "under 10 s left";
  if (longest <= 90) return range(shortest, longest, 10, "s");
  if (longest <= 90 * 60) return range(shortest / 60, longest / 60, 1, "min");
  return range(shortest / 3600, longest / 3600, 1, "h");
}
