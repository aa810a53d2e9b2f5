/** Which rows a list shows, and in which order, when its jobs change under a user's hand. */

import type { Job } from "./types.ts";

export interface Row {
  job: Job;
  /** `gone`: its job is no longer of this list, its place is kept; `leaving`: fading, then removed. */
  state: "here" | "gone" | "leaving";
}

export interface Hold {
  /** Nothing may move: somebody is about to click. */
  list: boolean;
  /** Whether this row keeps its place although its job has left. */
  row: (job: Job) => boolean;
  /** The last version of a job that left the list. */
  departed: (id: string) => Job | undefined;
}

/** The rows for these jobs, after the rows that were shown before. */
export function placeRows(shown: readonly Row[], jobs: readonly Job[], hold: Hold): Row[] {
  return hold.list ? heldRows(shown, jobs, hold) : movedRows(shown, jobs, hold);
}

/** Every row stays where it is; of the new jobs only those below all others are added. */
function heldRows(shown: readonly Row[], jobs: readonly Job[], hold: Hold): Row[] {
  const current = new Map(jobs.map((job) => [job.id, job]));
  const rows = shown.map((row): Row => {
    const job = current.get(row.job.id);
    if (job) return { job, state: "here" };
    return { job: hold.departed(row.job.id) ?? row.job, state: row.state === "leaving" ? "leaving" : "gone" };
  });
  const known = new Set(shown.map((row) => row.job.id));
  const last = jobs.findLastIndex((job) => known.has(job.id));
  return [...rows, ...jobs.slice(last + 1).map((job): Row => ({ job, state: "here" }))];
}

/** The jobs in their order; rows of jobs that left stand where they stood, below the same row as before. */
function movedRows(shown: readonly Row[], jobs: readonly Job[], hold: Hold): Row[] {
  const rows = jobs.map((job): Row => ({ job, state: "here" }));
  const current = new Set(jobs.map((job) => job.id));
  shown.forEach(({ job }, index) => {
    if (current.has(job.id)) return;
    const above = shown[index - 1]?.job.id;
    const place = rows.findIndex((row) => row.job.id === above) + 1;
    rows.splice(place, 0, { job: hold.departed(job.id) ?? job, state: hold.row(job) ? "gone" : "leaving" });
  });
  return rows;
}

/** How many jobs of the list have no row yet. */
export function unseen(rows: readonly Row[], jobs: readonly Job[]): number {
  const shown = new Set(rows.map((row) => row.job.id));
  return jobs.filter((job) => !shown.has(job.id)).length;
}
