/** The live connection: open, lost and counting down to the next try, caught up again. */

import { effect, signal, untracked } from "@preact/signals";
import { Problem } from "../api/http.ts";
import { readStream, type StreamEvent } from "../api/stream.ts";
import type { Job } from "../model/types.ts";
import { currentTime } from "./clock.ts";
import { forgetJobs, history, jobChanged, loadCounts, monitor } from "./jobs.ts";
import { announce } from "./notices.ts";
import { path } from "./route.ts";
import { session, sessionEnded } from "./session.ts";

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  /** This user may not look at jobs: trying again would not help. */
  | { state: "refused" }
  /** `retry_at_ms` null: trying right now. `since`: when the page was last current. */
  | { state: "lost"; since: Date; retry_at_ms: number | null };

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;

export const connection = signal<Connection>({ state: "connecting" });

let attempts = 0;
let wake: () => void = () => undefined;

export function tryNow(): void {
  wake();
}

/** Loads what is shown; the header's counts come with it. False: it could not be had. */
async function reload(): Promise<boolean> {
  if (path.value === "/history") return history.load();
  if (path.value === "/start") return loadCounts();
  return monitor.load();
}

function becameLive(): void {
  if (connection.value.state === "lost") announce("The connection is back. The list is current again.");
  connection.value = { state: "live" };
  attempts = 0;
}

function becameLost(): void {
  if (connection.value.state === "lost") return;
  announce("The connection is lost. The page tries again by itself.");
  connection.value = { state: "lost", since: currentTime(), retry_at_ms: null };
}

/** The list is loaded once the stream listens, so that nothing falls between the two. */
async function onEvent({ event, data }: StreamEvent, giveUp: () => void): Promise<void> {
  if (event === "job") jobChanged(JSON.parse(data) as Job);
  else if (event === "ended") sessionEnded();
  else if (event === "ready" || event === "reset") {
    if (await reload()) becameLive();
    else giveUp();
  }
}

function sleep(duration_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, duration_ms);
    wake = end;
    signal.addEventListener("abort", end, { once: true, signal: over.signal });
    addEventListener("online", end, { once: true, signal: over.signal });
  });
}

function retryDelay(): number {
  const grown = Math.min(RETRY_FIRST_MS * 2 ** attempts++, RETRY_MAX_MS);
  // Spread, so that a thousand pages do not come back in the same instant.
  return grown * (0.8 + Math.random() * 0.4);
}

async function waitForNextTry(signal: AbortSignal): Promise<void> {
  const delay_ms = retryDelay();
  if (connection.value.state === "lost") {
    connection.value = { ...connection.value, retry_at_ms: currentTime().getTime() + delay_ms };
    await sleep(delay_ms, signal);
    if (connection.value.state === "lost") connection.value = { ...connection.value, retry_at_ms: null };
  }
}

/** One connection, from the try to its end. False: the gateway will not have it. */
async function connectOnce(signal: AbortSignal): Promise<boolean> {
  const failed = new AbortController();
  try {
    await readStream((event) => void onEvent(event, () => failed.abort()), AbortSignal.any([signal, failed.signal]));
  } catch (error) {
    // Else, whatever the cause, the answer is the same: say so and try again. A 401 has ended the session already.
    if (error instanceof Problem && error.status === 403) return false;
  }
  return true;
}

async function stayConnected(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wanted = await connectOnce(signal);
    if (signal.aborted) return;
    if (!wanted) {
      connection.value = { state: "refused" };
      await reload();
      return;
    }
    becameLost();
    if (monitor.items.value === null && history.items.value === null) await reload();
    await waitForNextTry(signal);
  }
}

/** Connects while somebody is logged in. */
export function keepConnected(): void {
  let running: AbortController | null = null;
  effect(() => {
    const user = session.value?.user.id;
    running?.abort();
    running = null;
    if (user === undefined) return;
    running = new AbortController();
    connection.value = { state: "connecting" };
    attempts = 0;
    const { signal } = running;
    untracked(() => void stayConnected(signal));
  });
  effect(() => {
    if (session.value === null) forgetJobs();
  });
}
