/** All the page knows of jobs: the two lists, the monitor's counts and each running job's pace. */

import { signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { recounted } from "../model/lists.ts";
import { withSample, type Sample } from "../model/pace.ts";
import type { Counts, Job } from "../model/types.ts";
import { announcement } from "../model/words.ts";
import { currentTime } from "./clock.ts";
import { noteArrival } from "./downloads.ts";
import { JobList } from "./job_list.ts";
import { announce } from "./notices.ts";

const RECOUNT_DELAY_MS = 500;

/** Of the monitor, whatever list is shown; null until known. */
export const counts = signal<Counts | null>(null);
export const monitor = new JobList("monitor", (found) => (counts.value = found));
export const history = new JobList("history", (found) => (counts.value = found));
/** The last job the stream told of, for open details. */
export const lastChanged = signal<Job | null>(null);

const paces = new Map<string, Sample[]>();
let recountTimer: ReturnType<typeof setTimeout> | undefined;

export function paceOf(job: Job): readonly Sample[] {
  return paces.get(job.id) ?? [];
}

function notePace(job: Job): void {
  if (job.state !== "running") paces.delete(job.id);
  else paces.set(job.id, withSample(paces.get(job.id) ?? [], { at_ms: currentTime().getTime(), done: job.progress.done }));
}

/** Counts anew when an event cannot tell whether its job was counted before. */
function recountSoon(): void {
  clearTimeout(recountTimer);
  recountTimer = setTimeout(() => void loadCounts(), RECOUNT_DELAY_MS);
}

/** False: they could not be had, and stay as they were. */
export async function loadCounts(): Promise<boolean> {
  try {
    const page = await endpoints.listJobs({ view: "monitor", filter: "all", query: "", limit: 1 });
    counts.value = page.counts ?? counts.value;
    return true;
  } catch {
    return false;
  }
}

/** Takes in what the live stream says of a job. */
export function jobChanged(job: Job): void {
  const before = monitor.find(job.id) ?? history.find(job.id) ?? null;
  if (before && before.sequence > job.sequence) return;
  if (before && counts.value) counts.value = recounted(counts.value, before, job);
  else recountSoon();
  if (before?.state !== job.state) {
    const words = announcement(job);
    if (words && job.view === "monitor") announce(words);
  }
  notePace(job);
  monitor.apply(job);
  history.apply(job);
  noteArrival(job);
  lastChanged.value = job;
}

/** After a log-out nothing of the old session stays. */
export function forgetJobs(): void {
  monitor.clear();
  history.clear();
  counts.value = null;
  paces.clear();
}
