/** The files the user sent before: what is kept of them, and how they make room. */

import { effect, signal, untracked } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { Problem } from "../api/http.ts";
import type { KeptUploads } from "../model/types.ts";
import { announce } from "../state/notices.ts";
import { session } from "../state/session.ts";
import { messageOf } from "./sending.ts";

/** null until known; where it cannot be had, the form does without. */
export const keptUploads = signal<KeptUploads | null>(null);
/** Deleted since the list was loaded. Their lines stay, so that a second click takes no neighbour. */
export const deletedUploads = signal<ReadonlySet<string>>(new Set());
export const keptProblem = signal<string | null>(null);
/** Whether the list is open: by the user, or because there is no more room. */
export const keptShown = signal(false);

export async function loadKept(): Promise<void> {
  try {
    const found = await endpoints.listUploads();
    keptUploads.value = found;
    deletedUploads.value = new Set();
    keptProblem.value = null;
  } catch {
    keptUploads.value = null;
  }
}

export async function deleteKept(id: string, name: string): Promise<void> {
  if (deletedUploads.value.has(id)) return;
  keptProblem.value = null;
  try {
    await endpoints.deleteUpload(id);
  } catch (error) {
    // Gone already is as good.
    if (!(error instanceof Problem && error.status === 404)) {
      keptProblem.value = `${name} is not deleted. ${messageOf(error)}`;
      return;
    }
  }
  deletedUploads.value = new Set([...deletedUploads.value, id]);
  announce(`${name} is deleted.`);
}

/** How many are kept now. */
export function keptCount(): number {
  return (keptUploads.value?.items.length ?? 0) - deletedUploads.value.size;
}

/** Nothing of one user's files is shown to the next. */
effect(() => {
  if (session.value !== null) return;
  untracked(() => {
    keptUploads.value = null;
    deletedUploads.value = new Set();
    keptProblem.value = null;
    keptShown.value = false;
  });
});
