/** Who is logged in. */

import { computed, effect, signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { messageOf, Problem, whenLoggedOut } from "../api/http.ts";
import type { Session } from "../model/types.ts";

/** undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
/** Why the log-in page is shown, when there is more to say than "please log in". */
export const loginNotice = signal<string | null>(null);
/** Why it is not even known who is logged in. */
export const sessionProblem = signal<string | null>(null);

export const zone = computed(() => session.value?.account.time_zone ?? "UTC");
export const isSuperAdmin = computed(() => session.value?.user.user_type === "super_admin");

export async function startSession(): Promise<void> {
  sessionProblem.value = null;
  try {
    session.value = await endpoints.loadSession();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) session.value = null;
    else sessionProblem.value = messageOf(error);
  }
}

export async function logIn(email: string, password: string): Promise<void> {
  session.value = await endpoints.logIn(email, password);
  loginNotice.value = null;
}

/** Raises Problem when the gateway was not told: then the session still stands, and so does the page. */
export async function logOut(): Promise<void> {
  await endpoints.logOut();
  session.value = null;
  loginNotice.value = "You are logged out.";
}

export function sessionEnded(): void {
  if (!session.value) return;
  session.value = null;
  loginNotice.value = "Your session has ended. Log in again to go on; your jobs run on meanwhile.";
}

whenLoggedOut(sessionEnded);

/** Asks the gateway who is logged in by now, and goes by its answer. False: not, or no longer, whom this page is for. */
export async function askWho(): Promise<boolean> {
  const before = session.value;
  try {
    const found = await endpoints.loadSession();
    if (found.user.id === before?.user.id && found.account.id === before.account.id) return true;
    // Nothing of one user's page is left for the next.
    session.value = null;
    session.value = found;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) sessionEnded();
  }
  return false;
}

/** All tabs of a browser have the same login: whoever logs in or out in one tab, does so in all. */
const tabs = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("jobmonitor.session");
const login = computed(() => (session.value === undefined ? undefined : (session.value?.user.id ?? null)));

effect(() => {
  if (login.value !== undefined) tabs?.postMessage(login.value);
});
tabs?.addEventListener("message", ({ data }: MessageEvent<number | null>) => {
  if (login.value !== undefined && data !== login.value) void askWho();
});
