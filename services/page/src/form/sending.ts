/** What the forms share: what is wrong with which field, and the way of a request to the gateway. */

import { signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { Problem, type FieldError } from "../api/http.ts";
import { jobChanged } from "../state/jobs.ts";
import { toast } from "../state/notices.ts";
import { navigate } from "../state/route.ts";

/** By the place in the form where it is shown. */
export const errors = signal<Partial<Record<string, string>>>({});
/** Why the last submission was not accepted, as far as no field is to blame. */
export const problem = signal<string | null>(null);
export const sending = signal(false);

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Puts each error at its field; returns the words of those that have none. */
export function place(found: FieldError[], placeOf: (field: string) => string | null): string[] {
  const placed: Partial<Record<string, string>> = {};
  const rest: string[] = [];
  for (const { field, detail } of found) {
    const at = placeOf(field);
    if (at) placed[at] ??= detail;
    else rest.push(detail);
  }
  errors.value = placed;
  return rest;
}

/** One key as long as the request is the same: sent twice, after a lost answer, it is one job. */
const lastKey = { request: "", key: "" };

function keyFor(request: string): string {
  if (lastKey.request !== request) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    lastKey.request = request;
    lastKey.key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return lastKey.key;
}

function refused(error: unknown, placeOf: (field: string) => string | null): void {
  if (!(error instanceof Problem) || error.status !== 422) {
    problem.value = `${messageOf(error)} Nothing was lost: your choices are still here, and sending them again starts one job only.`;
    return;
  }
  const rest = place(error.errors, placeOf);
  const placed = Object.keys(errors.value).length > 0;
  problem.value = rest.join(" ") || (placed ? null : error.message);
}

/** Asks for a job. True: it is accepted, the form is `done` with, and the page has gone on to the monitor. */
export async function sendJob(request: endpoints.Submission, placeOf: (field: string) => string | null, done: () => void): Promise<boolean> {
  if (sending.value) return false;
  sending.value = true;
  problem.value = null;
  try {
    const accepted = await endpoints.submitJob(request, keyFor(JSON.stringify(request)));
    lastKey.request = "";
    done();
    if (accepted.job) jobChanged(accepted.job);
    toast(accepted.number ? `Job ${accepted.number} is accepted.` : "Your job is accepted and will be listed in a moment.");
    navigate("/");
    return true;
  } catch (error) {
    refused(error, placeOf);
    return false;
  } finally {
    sending.value = false;
  }
}
