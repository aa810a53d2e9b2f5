/** The form to start an export: its choices, how many it would export, and its submission. */

import { computed, effect, signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { Problem } from "../api/http.ts";
import { instantOf } from "../model/time.ts";
import type { ExportOptions, JobType } from "../model/types.ts";
import { path, startType } from "../state/route.ts";
import { session, zone } from "../state/session.ts";
import { EMPTY_FORM, lacksColumns, parametersOf, placeOf, type ExportForm, type Place } from "./export_form.ts";
import { errors, messageOf, place, problem, sendJob } from "./sending.ts";

export const EXPORT = "user-data-export";
const PREVIEW_DELAY_MS = 300;

export const form = signal<ExportForm>(EMPTY_FORM);
export const offer = signal<{ jobType: JobType | null; options: ExportOptions } | null>(null);
export const offerProblem = signal<string | null>(null);

export type Preview = { state: "counting" } | { state: "counted"; units: number; unit: string; warning: string | null } | { state: "unknown"; reason: string };
export const preview = signal<Preview>({ state: "counting" });

const parameters = computed(() => JSON.stringify(parametersOf(form.value)));

export function change(changes: Partial<ExportForm>): void {
  form.value = { ...form.value, ...changes };
}

export async function loadOffer(): Promise<void> {
  offerProblem.value = null;
  try {
    const [types, options] = await Promise.all([endpoints.loadJobTypes(), endpoints.loadExportOptions()]);
    offer.value = { jobType: types.items.find((each) => each.type === EXPORT) ?? null, options };
  } catch (error) {
    // Who may not export is not offered the account's profiles and pages either.
    if (error instanceof Problem && error.status === 403) offer.value = { jobType: null, options: noOptions() };
    else offerProblem.value = messageOf(error);
  }
}

function noOptions(): ExportOptions {
  return { export_groups: [], profiles: [], pages: [], questions: [], broadcasts: [] };
}

async function count(text: string, signal: AbortSignal): Promise<void> {
  preview.value = { state: "counting" };
  try {
    const { units, unit, warning } = await endpoints.previewJob(EXPORT, JSON.parse(text) as Record<string, unknown>, signal);
    if (signal.aborted) return;
    errors.value = {};
    preview.value = { state: "counted", units, unit, warning };
  } catch (error) {
    if (signal.aborted) return;
    const rest = error instanceof Problem && error.status === 422 ? place(error.errors, placeOf) : [];
    const marked = Object.keys(errors.value).length > 0;
    preview.value = { state: "unknown", reason: rest[0] ?? (marked ? "Not possible like this: see the field that is marked." : messageOf(error)) };
  }
}

/** Counts anew, a moment after the last change, while the form is shown. Returns what ends it. */
export function keepCounting(): () => void {
  return effect(() => {
    const text = parameters.value;
    if (path.value !== "/start" || startType.value === "user-data-import" || !session.value || !offer.value?.jobType?.may_start) return undefined;
    errors.value = {};
    problem.value = null;
    if (lacksColumns(form.peek())) {
      preview.value = { state: "unknown", reason: "Choose at least one page or question as a column." };
      return undefined;
    }
    const request = new AbortController();
    const timer = setTimeout(() => void count(text, request.signal), PREVIEW_DELAY_MS);
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  });
}

function submission(): endpoints.Submission {
  const { reference, startAt } = form.value;
  return {
    type: EXPORT,
    parameters: parametersOf(form.value),
    ...(reference.trim() && { reference: reference.trim() }),
    ...(startAt !== null && { run_at: instantOf(startAt, zone.value).toISOString() }),
  };
}

function incomplete(): Partial<Record<Place, string>> {
  if (lacksColumns(form.value)) return { hybrid_pages: "Choose at least one page or question as a column." };
  if (form.value.startAt === "") return { run_at: "Say on which day and at what time it is to start." };
  return {};
}

/** Sends the form. True: the job is accepted, and the page has gone on to the monitor. */
export async function submit(): Promise<boolean> {
  errors.value = incomplete();
  if (Object.keys(errors.value).length > 0) return false;
  return sendJob(submission(), placeOf, () => (form.value = EMPTY_FORM));
}

/** Nothing of one user's form is left for the next. */
effect(() => {
  if (session.value !== null) return;
  form.value = EMPTY_FORM;
  offer.value = null;
});
