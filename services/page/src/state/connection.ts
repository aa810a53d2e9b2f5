/** The live connection, shared by all tabs of one login: open, lost and counting down to the next try, caught up again. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { Problem } from "../api/http.ts";
import { shareStream } from "../api/shared_stream.ts";
import { readStream, type StreamEvent } from "../api/stream.ts";
import type { Job } from "../model/types.ts";
import { currentTime } from "./clock.ts";
import { jobTypesProblem, refreshJobTypes } from "./job_types.ts";
import { forgetJobs, history, jobChanged, loadCounts, monitor } from "./jobs.ts";
import { announce } from "./notices.ts";
import { path } from "./route.ts";
import { askWho, session } from "./session.ts";

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  /** This user may not look at jobs: trying again would not help. */
  | { state: "refused" }
  /** `retry_at_ms` null: trying right now. `since`: when the page was last current. */
  | { state: "lost"; since: Date; retry_at_ms: number | null };

/** What the tab that reads the stream tells all tabs: an event of the stream, or how the connection is. */
type Message = { event: StreamEvent } | { connection: Connection };

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;

export const connection = signal<Connection>({ state: "connecting" });

/** Of the stream, as far as this tab reads it; a tab is live only when it has caught up as well. */
let stream: Connection = { state: "connecting" };
let wishForAll: () => void = () => undefined;
const sleepers = new Set<() => void>();
/** Counts the catching up: only the newest counts. */
let catching = 0;

function wake(): void {
  for (const end of [...sleepers]) end();
}

/** For all tabs, and the one that reads the stream first of all. */
export function tryNow(): void {
  wake();
  wishForAll();
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
  if (jobTypesProblem.value) void refreshJobTypes();
}

function becameLost(retry_at_ms: number | null): void {
  const current = connection.value;
  if (current.state !== "lost") announce("The connection is lost. The page tries again by itself.");
  connection.value = { state: "lost", since: current.state === "lost" ? current.since : currentTime(), retry_at_ms };
}

/** The list is loaded once the stream listens, so that nothing falls between the two. */
async function catchUp(over: AbortSignal): Promise<void> {
  const mine = ++catching;
  const wanted = (): boolean => mine === catching && !over.aborted;
  for (let tries = 0; wanted(); tries++) {
    const loaded = await reload();
    if (!wanted()) return;
    if (loaded) return becameLive();
    await countDown(tries, becameLost, over);
  }
}

function hear(message: Message, over: AbortSignal): void {
  if (over.aborted) return;
  if ("event" in message) hearEvent(message.event, over);
  else hearConnection(message.connection, over);
}

function hearEvent({ event, data }: StreamEvent, over: AbortSignal): void {
  if (event === "job") jobChanged(JSON.parse(data) as Job);
  // The session of that stream is over; the login of now may be a newer one.
  else if (event === "ended") void askWho();
  else if (event === "ready" || event === "reset") void catchUp(over);
}

function hearConnection(heard: Connection, over: AbortSignal): void {
  if (heard.state === "connecting") return;
  if (heard.state === "live") {
    if (connection.value.state !== "live") void catchUp(over);
    return;
  }
  catching++;
  if (heard.state === "lost") becameLost(heard.retry_at_ms);
  else connection.value = heard;
  if (monitor.items.value === null && history.items.value === null) void reload();
}

function sleep(duration_ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      sleepers.delete(end);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, duration_ms);
    sleepers.add(end);
    signal.addEventListener("abort", end, { once: true, signal: over.signal });
    addEventListener("online", end, { once: true, signal: over.signal });
  });
}

function retryDelay(tries: number): number {
  const grown = Math.min(RETRY_FIRST_MS * 2 ** tries, RETRY_MAX_MS);
  // Spread, so that a thousand pages do not come back in the same instant.
  return grown * (0.8 + Math.random() * 0.4);
}

/** Waits before the next try, which `tell` hears of; null when it begins. */
async function countDown(tries: number, tell: (retry_at_ms: number | null) => void, over: AbortSignal): Promise<void> {
  const delay_ms = retryDelay(tries);
  tell(currentTime().getTime() + delay_ms);
  await sleep(delay_ms, over);
  if (!over.aborted) tell(null);
}

/** One connection, from the try to its end. False: the gateway will not have it. */
async function readOnce(say: (message: Message) => void, over: AbortSignal, onReady: () => void): Promise<boolean> {
  const notOurs = new AbortController();
  let ours: Promise<boolean> = Promise.resolve(true);
  const onEvent = (event: StreamEvent): void => {
    // Another tab may have logged in as somebody else since: nobody gets another's events.
    if (event.event === "ready") ours = askWho();
    void ours.then((known) => {
      if (!known) notOurs.abort();
      if (!known || over.aborted) return;
      if (event.event === "ready") onReady();
      say({ event });
    });
  };
  try {
    await readStream(onEvent, AbortSignal.any([over, notOurs.signal]));
  } catch (error) {
    // Else, whatever the cause, the answer is the same: say so and try again. A 401 has ended the session already.
    if (error instanceof Problem && error.status === 403) return false;
  }
  return true;
}

/** Reads the stream for all tabs, over all its breaks. */
async function lead(say: (message: Message) => void, over: AbortSignal): Promise<void> {
  let tries = 0;
  const tell = (now: Connection): void => {
    stream = now;
    say({ connection: now });
  };
  stream = { state: "connecting" };
  while (!over.aborted) {
    const wanted = await readOnce(say, over, () => {
      tries = 0;
      stream = { state: "live" };
    });
    if (over.aborted) return;
    if (!wanted) return tell({ state: "refused" });
    await countDown(tries++, (retry_at_ms) => tell({ state: "lost", since: currentTime(), retry_at_ms }), over);
  }
}

/** Connects while somebody is logged in. Each login has a stream of its own. */
export function keepConnected(): void {
  let running: AbortController | null = null;
  const login = computed(() => session.value && `${session.value.account.id}.${session.value.user.id}`);
  effect(() => {
    running?.abort();
    running = null;
    if (!login.value) return;
    running = new AbortController();
    const { signal: over } = running;
    connection.value = { state: "connecting" };
    catching++;
    const sharing = { lead, hear: (message: Message) => hear(message, over), greeting: () => ({ connection: stream }), wished: wake };
    wishForAll = untracked(() => shareStream<Message>(`jobmonitor.stream.${login.value}`, sharing, over));
  });
  effect(() => {
    if (session.value === null) untracked(forgetJobs);
  });
}
