/** Pure rules of the lists: which job belongs where, and in which order. */

import type { Counts, Filter, Job, View } from "./types.ts";

/** The chip a job counts under besides "All"; null for none (ended, with nothing to download). */
export function bucketOf(job: Job): Filter | null {
  switch (job.state) {
    case "scheduled":
      return "scheduled";
    case "queued":
    case "running":
    case "stopping":
      return "running";
    default:
      return job.result && !job.result.expired ? "ready" : null;
  }
}

export function belongs(job: Job, view: View, filter: Filter): boolean {
  return job.view === view && (filter === "all" || bucketOf(job) === filter);
}

/** Of two versions of the same job, the newer; the first when equal. */
export function newerOf(job: Job, other: Job | undefined): Job {
  return other && other.sequence > job.sequence ? other : job;
}

function sortKey(job: Job): number {
  return Date.parse(job.started_at ?? job.scheduled_for ?? job.submitted_at ?? "") || 0;
}

/** Newest first by start; a scheduled job by its planned start. */
export function byStart(one: Job, other: Job): number {
  return sortKey(other) - sortKey(one) || other.number - one.number;
}

/** Where counting ends: this many, or more. */
export const COUNTED_AT_MOST = 1000;

/** What a change from one version of a job to the next does to the monitor's counts; `before` null: it was not there. */
export function recounted(counts: Counts, before: Job | null, after: Job): Counts {
  const changed = { ...counts };
  const add = (job: Job | null, step: number): void => {
    if (!job || job.view !== "monitor") return;
    for (const chip of ["all", bucketOf(job)] as const) {
      // "1,000 or more" stays so until it is counted anew
      if (chip && counts[chip] < COUNTED_AT_MOST) changed[chip] += step;
    }
  };
  add(before, -1);
  add(after, 1);
  return changed;
}
