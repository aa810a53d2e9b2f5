/** Downloads under way: how far each is, what went wrong, and what is done about it. */

import { effect, signal, untracked } from "@preact/signals";
import { fetchFile, leaveToBrowser, removeFile, removeLeftBehind, saveFile } from "../api/download.ts";
import type { DownloadEnd } from "../model/download_order.ts";
import { downloadFault, mayGoOn } from "../model/download_words.ts";
import type { Job, Result } from "../model/types.ts";
import { announce, toast, type Toast } from "./notices.ts";
import { session, sessionEnded } from "./session.ts";

export type Download =
  | { state: "running"; received_bytes: number }
  /** Broken off, and tried again by itself. */
  | { state: "waiting"; received_bytes: number }
  | { state: "failed"; received_bytes: number; reason: string }
  /** The file is there; the server is about to say that the job left. */
  | { state: "saved" }
  /** The browser does it by its own means. */
  | { state: "handed" };

const RETRY_FIRST_MS = 1_000;
const RETRIES_MAX = 5;
/** So long after the file is there, the server has counted it or will not. */
const COUNTED_MS = 10_000;

const IN_HISTORY = { link: { text: "In History", to: "/history" } };

export const downloads = signal<ReadonlyMap<string, Download>>(new Map());
/** Jobs the server has seen downloaded while the page is still checking the file. */
const left = new Set<string>();
/** Ends with the session: what belongs to one user is not fetched for the next. */
let sessionOver = new AbortController();

function note(id: string, download: Download | null): void {
  const all = new Map(downloads.value);
  if (download) all.set(id, download);
  else all.delete(id);
  downloads.value = all;
}

function receivedOf(id: string): number {
  const download = downloads.value.get(id);
  return download && "received_bytes" in download ? download.received_bytes : 0;
}

const isUnderWay = (download: Download | undefined): boolean => download?.state === "running" || download?.state === "waiting";

/** Downloads the job's result; goes on where an earlier try ended. While one is under way, nothing more happens. */
export async function download(job: Job, result: Result): Promise<void> {
  const current = downloads.value.get(job.id);
  if (isUnderWay(current) || current?.state === "saved") return;
  announce(`Job ${job.number}: download started.`);
  const over = sessionOver.signal;
  note(job.id, { state: "running", received_bytes: receivedOf(job.id) });
  left.delete(job.id);
  const end = await fetchPatiently(job, result, over);
  if (over.aborted) return;
  if (end.kind === "done") await save(job, result);
  else if (end.kind === "no_storage") handOver(job, result);
  else fail(job, end);
}

/** Tries again by itself where that may help; what has arrived is kept. */
async function fetchPatiently(job: Job, result: Result, over: AbortSignal): Promise<DownloadEnd> {
  const order = { name: job.id, href: result.href, size_bytes: result.size_bytes };
  for (let tries = 0; ; tries++) {
    const before = receivedOf(job.id);
    const end = await fetchFile(order, (received_bytes) => note(job.id, { state: "running", received_bytes }), over);
    if (over.aborted || !mayGoOn(end)) return end;
    if (receivedOf(job.id) > before) tries = 0;
    if (tries >= RETRIES_MAX) return end;
    note(job.id, { state: "waiting", received_bytes: receivedOf(job.id) });
    await pause(RETRY_FIRST_MS * 2 ** tries, over);
  }
}

function pause(delay_ms: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delay_ms);
    over.addEventListener("abort", () => (clearTimeout(timer), resolve()));
  });
}

async function save(job: Job, result: Result): Promise<void> {
  try {
    await saveFile(job.id, result.name);
  } catch {
    handOver(job, result);
    return;
  }
  note(job.id, { state: "saved" });
  if (job.view === "history") finish(job, {});
  else if (left.delete(job.id)) finish(job, IN_HISTORY);
  else forgetLater(job.id, "saved");
}

function handOver(job: Job, result: Result): void {
  leaveToBrowser(result.href);
  note(job.id, { state: "handed" });
  forgetLater(job.id, "handed");
}

function forgetLater(id: string, state: Download["state"]): void {
  setTimeout(() => {
    if (downloads.value.get(id)?.state === state) note(id, null);
  }, COUNTED_MS);
}

function fail(job: Job, end: DownloadEnd): void {
  const reason = downloadFault(end);
  note(job.id, { state: "failed", received_bytes: receivedOf(job.id), reason });
  toast(`Job ${job.number} is not downloaded. ${reason}`, { tone: "bad", once: true });
  if (end.kind === "refused" && end.status === 401) sessionEnded();
}

function finish(job: Job, options: { link?: Toast["link"] & object }): void {
  note(job.id, null);
  toast(`Job ${job.number} is downloaded.`, options);
}

/** Hears of every job that changed: one that left for the history after a download of ours is downloaded. */
export function noteArrival(job: Job): void {
  const current = downloads.value.get(job.id);
  if (job.view !== "history" || !current) return;
  if (isUnderWay(current)) left.add(job.id);
  else if (current.state !== "failed") finish(job, IN_HISTORY);
}

/** A closed window breaks a download off; the browser asks in its own words. */
addEventListener("beforeunload", (event) => {
  if ([...downloads.value.values()].some(isUnderWay)) event.preventDefault();
});

function endAll(): void {
  const ids = [...downloads.value.keys()];
  sessionOver.abort();
  sessionOver = new AbortController();
  left.clear();
  downloads.value = new Map();
  setTimeout(() => ids.forEach((id) => void removeFile(id)), RETRY_FIRST_MS);
}

effect(() => {
  if (session.value === null) untracked(endAll);
});

void removeLeftBehind();
