/** What the gateway says of the job types: what they are called, and how they are spoken of. */

import { effect, signal, untracked } from "@preact/signals";
import { loadJobTypes } from "../api/endpoints.ts";
import { messageOf } from "../api/http.ts";
import type { JobType } from "../model/types.ts";
import { session } from "./session.ts";

/** null until they are loaded. */
export const jobTypes = signal<JobType[] | null>(null);
/** Why they could not be loaded. */
export const jobTypesProblem = signal<string | null>(null);

export function jobTypeOf(slug: string): JobType | undefined {
  return jobTypes.value?.find((each) => each.type === slug);
}

/** The type whose form an address shows: the one it names, else the first. */
export function typeToStart(named: string | null): JobType | undefined {
  return (named === null ? undefined : jobTypeOf(named)) ?? jobTypes.value?.[0];
}

/** What may be started can change while somebody is logged in. What is said to whoever was before is not for the next. */
export async function refreshJobTypes(): Promise<void> {
  const asking = session.value;
  jobTypesProblem.value = null;
  try {
    const { items } = await loadJobTypes();
    if (session.value === asking) jobTypes.value = items;
  } catch (error) {
    if (session.value === asking) jobTypesProblem.value = messageOf(error);
  }
}

effect(() => {
  const user = session.value;
  untracked(() => {
    jobTypes.value = null;
    if (user) void refreshJobTypes();
  });
});
