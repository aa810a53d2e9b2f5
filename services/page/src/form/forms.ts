/** The forms of this login, one for each job type: what stands in one is still there when its user comes back. */

import { effect, signal, untracked } from "@preact/signals";
import type { JobType } from "../model/types.ts";
import { typeToStart } from "../state/job_types.ts";
import { guardLeaving, navigate } from "../state/route.ts";
import { session } from "../state/session.ts";
import { JobForm } from "./job_form.ts";

const forms = new Map<string, JobForm>();
/** Where the user wants to go although a file is still on its way; null: nowhere. */
export const leavingFor = signal<string | null>(null);

/** The form of a type, as its user left it. */
export function formOf(jobType: JobType): JobForm {
  const form = forms.get(jobType.type) ?? new JobForm(jobType);
  forms.set(jobType.type, form);
  return form;
}

/** A form comes into sight. Returns what ends the counting. */
export function showForm(form: JobForm): () => void {
  form.errors.value = {};
  form.problem.value = null;
  return form.keepCounting();
}

function sendingForm(): JobForm | undefined {
  return [...forms.values()].find((form) => form.transfer.state.value.state === "sending");
}

/** While a file is on its way, other pages wait for the user's word. */
guardLeaving((to) => {
  const form = sendingForm();
  if (!form || (to.pathname === "/start" && typeToStart(to.searchParams.get("type"))?.type === form.jobType.type)) return true;
  leavingFor.value = to.pathname + to.search;
  return false;
});

export function leaveAllTheSame(): void {
  const to = leavingFor.value;
  leavingFor.value = null;
  sendingForm()?.dropFile();
  if (to) navigate(to);
}

effect(() => {
  if (leavingFor.value !== null && !sendingForm()) leavingFor.value = null;
});

/** Closing the window loses a file that is not used yet; the browser asks in its own words. */
addEventListener("beforeunload", (event) => {
  if ([...forms.values()].some((form) => form.transfer.state.value.state !== "none")) event.preventDefault();
});

/** Nothing of one user's forms is left for the next. */
effect(() => {
  if (session.value !== null) return;
  untracked(() => {
    for (const form of forms.values()) form.transfer.cancel();
    forms.clear();
    leavingFor.value = null;
  });
});
