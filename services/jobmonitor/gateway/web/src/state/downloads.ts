/** Downloads under way: from the click until the job is seen to have left the monitor. */

import { signal } from "@preact/signals";
import type { Job } from "../model/types.ts";
import { announce, toast } from "./notices.ts";

/** After this a transfer that never ended is no longer shown as one. */
const PATIENCE_MS = 10 * 60_000;

export const downloading = signal<ReadonlySet<string>>(new Set());

function forget(id: string): void {
  const left = new Set(downloading.value);
  left.delete(id);
  downloading.value = left;
}

export function downloadStarted(job: Job): void {
  if (job.view !== "monitor") return;
  downloading.value = new Set([...downloading.value, job.id]);
  announce(`Job ${job.number}: download started.`);
  setTimeout(() => forget(job.id), PATIENCE_MS);
}

/** Ends the ring of a job that left for the history, and says where it went. */
export function noteArrival(job: Job): void {
  if (job.view !== "history" || !downloading.value.has(job.id)) return;
  forget(job.id);
  toast(`Job ${job.number} is downloaded.`, { link: { text: "In History", to: "/history" } });
}
