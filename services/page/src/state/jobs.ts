/** All the page knows of jobs: the two lists, the monitor's counts and each running job's pace. */

import { signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { countsAlike } from "../model/lists.ts";
import { withSample, type Sample } from "../model/pace.ts";
import type { Counts, Job } from "../model/types.ts";
import { announcement } from "../model/words.ts";
import { currentTime } from "./clock.ts";
import { Counting } from "./counting.ts";
import { noteArrival } from "./downloads.ts";
import { JobList } from "./job_list.ts";
import { announce } from "./notices.ts";
import { SteadyRows } from "./steady_rows.ts";

/** Of the monitor, whatever list is shown; null until known. */
export const counts = signal<Counts | null>(null);
const counting = new Counting(askForCounts, (found) => (counts.value = found));
export const monitor = new JobList("monitor", counting);
export const history = new JobList("history", counting);
export const monitorRows = new SteadyRows(monitor);
export const historyRows = new SteadyRows(history);
/** The last job the stream told of, for open details. */
export const lastChanged = signal<Job | null>(null);

const paces = new Map<string, Sample[]>();
/** Jobs beyond the lists' ends, as the stream last told of them: their progress changes no count. */
const heard = new Map<string, Job>();
const HEARD_MAX = 2_000;

export function paceOf(job: Job): readonly Sample[] {
  return paces.get(job.id) ?? [];
}

function notePace(job: Job): void {
  if (job.state !== "running") paces.delete(job.id);
  else paces.set(job.id, withSample(paces.get(job.id) ?? [], { at_ms: currentTime().getTime(), done: job.progress.done }));
}

function remember(job: Job): void {
  heard.delete(job.id);
  heard.set(job.id, job);
  for (const oldest of heard.keys()) {
    if (heard.size <= HEARD_MAX) return;
    heard.delete(oldest);
  }
}

async function askForCounts(): Promise<Counts | null> {
  try {
    return (await endpoints.listJobs({ view: "monitor", filter: "all", query: "", limit: 1 })).counts ?? null;
  } catch {
    return null;
  }
}

/** False: they could not be had, and stay as they were. */
export const loadCounts = (): Promise<boolean> => counting.refresh();

/** Takes in what the live stream says of a job. */
export function jobChanged(job: Job): void {
  const before = monitor.find(job.id) ?? history.find(job.id) ?? heard.get(job.id) ?? null;
  if (before && before.sequence > job.sequence) return;
  if (!before || !countsAlike(before, job)) counting.changed();
  remember(job);
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
  counting.reset();
  counts.value = null;
  heard.clear();
  paces.clear();
}
