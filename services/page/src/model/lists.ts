/** Pure rules of the lists: which job belongs where, and in which order. */

import type { Filter, Job, View } from "./types.ts";

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

/** Whether two versions of a job count the same. */
export function countsAlike(one: Job, other: Job): boolean {
  return one.view === other.view && (one.view === "history" || bucketOf(one) === bucketOf(other));
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
