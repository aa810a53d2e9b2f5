/** How jobs are put into words. */

import { COUNTED_AT_MOST } from "./lists.ts";
import type { Job, Result, TimelineEntry } from "./types.ts";

const numbers = new Intl.NumberFormat("en-US");

export function formatCount(count: number): string {
  return numbers.format(count);
}

/** `999`, `1,000+`: where counting ends at a thousand. */
export function formatCounted(count: number): string {
  return count < COUNTED_AT_MOST ? formatCount(count) : `${formatCount(COUNTED_AT_MOST)}+`;
}

/** `48 kB`, `18.2 MB`: decimal, as file managers show it. */
export function formatSize(size_bytes: number): string {
  let size = size_bytes;
  for (const unit of ["B", "kB", "MB"]) {
    if (size < 999.5) return `${unit === "MB" && size < 99.95 ? size.toFixed(1) : Math.round(size)} ${unit}`;
    size /= 1000;
  }
  return `${size.toFixed(1)} GB`;
}

/** `1 supporter`, `12 supporters`; units come in the plural. */
export function formatUnits(count: number, unit: string | null): string {
  const plural = unit ?? "rows";
  return `${formatCount(count)} ${count === 1 && plural.endsWith("s") ? plural.slice(0, -1) : plural}`;
}

export function resultKind(result: Result): string {
  return `${result.extension.toUpperCase()} · ${formatSize(result.size_bytes)}`;
}

/** What a job waits for that has not ended; null for nothing. */
export function waitWords(job: Job): string | null {
  return job.waits_for && !endTag(job) ? `Waits for ${job.waits_for}` : null;
}

export type Tone = "good" | "warning" | "bad" | "quiet";

const STATE_WORDS: Record<Job["state"], string> = {
  scheduled: "Scheduled",
  queued: "Waiting for its turn",
  running: "Running",
  stopping: "Stopping",
  completed: "Completed",
  completed_with_errors: "Completed with errors",
  failed: "Failed",
  cancelled: "Stopped",
};

/** How a job stands, in a word or two. */
export function stateWords(state: Job["state"]): string {
  return STATE_WORDS[state];
}

/** The tag of a job that has ended; null while it has not. */
export function endTag(job: Job): { text: string; tone: Tone } | null {
  switch (job.state) {
    case "completed":
      return { text: "Completed", tone: "good" };
    case "completed_with_errors":
      return { text: `Completed, ${formatUnits(job.rejected, job.progress.unit)} refused`, tone: "warning" };
    case "failed":
      return { text: "Failed", tone: "bad" };
    case "cancelled":
      return { text: job.started_at ? `Stopped at ${job.progress.percent} %` : "Stopped before its start", tone: "quiet" };
    default:
      return null;
  }
}

/** What a live region says when a job comes into a new state; null for what needs no words. */
export function announcement(job: Job): string | null {
  const name = `Job ${job.number}, ${job.reference ?? job.name}:`;
  switch (job.state) {
    case "running":
      return `${name} running.`;
    case "stopping":
      return `${name} stopping.`;
    case "failed":
      return `${name} failed. ${job.failure?.reason ?? ""}`;
    case "completed":
    case "completed_with_errors":
    case "cancelled":
      return `${name} ${endTag(job)?.text.toLowerCase()}.${job.result ? " Its result is ready to download." : ""}`;
    default:
      return null;
  }
}

const STEP_WORDS: Record<string, string> = {
  job_submitted: "Submitted",
  job_scheduled: "Scheduled",
  job_queued: "Waiting for its turn",
  job_started: "Started",
  job_completed: "Completed",
  job_failed: "Failed",
  job_stopping: "Stopping",
  job_cancelled: "Stopped",
  result_downloaded: "Result downloaded",
  result_expired: "Result expired",
  request_rejected: "A request was refused",
};

/** A step of a job's timeline in words, of a refused request with the reason; null for steps too small to tell. */
export function stepWords(step: TimelineEntry): string | null {
  if (step.type === "job_waiting") return step.waits_for ? `Waits for ${step.waits_for}` : "Goes on";
  const words = STEP_WORDS[step.type];
  return words && step.reason ? `${words}: ${step.reason}` : (words ?? null);
}
