/** The import form: the file on its way to the gateway, the choices, the submission. */

import { computed, effect, signal, untracked } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { Problem } from "../api/http.ts";
import { uploadFile } from "../api/upload.ts";
import type { ImportOptions, JobType, Upload } from "../model/types.ts";
import { formatUnits } from "../model/words.ts";
import { announce } from "../state/notices.ts";
import { guardLeaving, navigate } from "../state/route.ts";
import { session } from "../state/session.ts";
import { EMPTY_IMPORT, importFaults, importParameters, importPlaceOf, mappingTo, referenceOf, whyNotSent, type ImportForm } from "./import_form.ts";
import { keptShown } from "./kept_files.ts";
import { errors, messageOf, problem, sendJob } from "./sending.ts";

export const IMPORT = "user-data-import";
export const IMPORT_ADDRESS = `/start?type=${IMPORT}`;

/** The file: none, on its way, or there and understood. */
export type Transfer =
  | { state: "none" }
  | { state: "sending"; name: string; size_bytes: number; sent_bytes: number }
  | { state: "there"; upload: Upload };

export const importForm = signal<ImportForm>(EMPTY_IMPORT);
export const transfer = signal<Transfer>({ state: "none" });
export const importOffer = signal<{ jobType: JobType | null; options: ImportOptions } | null>(null);
export const importOfferProblem = signal<string | null>(null);
/** Where the user wants to go although the file is still on its way; null: nowhere. */
export const leavingFor = signal<string | null>(null);

export const uploaded = computed(() => (transfer.value.state === "there" ? transfer.value.upload : null));
let request: AbortController | null = null;

export function changeImport(changes: Partial<ImportForm>): void {
  importForm.value = { ...importForm.value, ...changes };
  if (Object.keys(errors.value).length > 0) errors.value = importFaults(importForm.value, uploaded.value, formats());
  problem.value = null;
}

export function mapColumn(index: number, key: string): void {
  changeImport({ mapping: importForm.value.mapping.map((each, at) => (at === index ? mappingTo(each.header, key) : each)) });
}

function formats(): ImportOptions["formats"] {
  return importOffer.value?.options.formats ?? [];
}

/** A saved format brings its columns and its mode; without one, the columns are as the gateway suggested. */
export function chooseFormat(id: number | null): void {
  const format = formats().find((each) => each.id === id);
  changeImport({ format: id, ...(format && { mode: format.mode }) });
  const fault = importFaults(importForm.value, uploaded.value, formats())["format_id"];
  errors.value = fault ? { format_id: fault } : {};
}

export async function loadImportOffer(): Promise<void> {
  importOfferProblem.value = null;
  try {
    const types = await endpoints.loadJobTypes();
    const jobType = types.items.find((each) => each.type === IMPORT) ?? null;
    const none: ImportOptions = { fields: [], questions: [], pages: [], formats: [] };
    importOffer.value = { jobType, options: jobType?.may_start ? await endpoints.loadImportOptions() : none };
  } catch (error) {
    importOfferProblem.value = messageOf(error);
  }
}

/** Sends a file to the gateway, in place of the one before. */
export async function takeFile(file: File): Promise<void> {
  cancelUpload();
  problem.value = null;
  const reason = whyNotSent(file);
  errors.value = reason ? { file: reason } : {};
  if (reason) return;
  const ours = new AbortController();
  request = ours;
  transfer.value = { state: "sending", name: file.name, size_bytes: file.size, sent_bytes: 0 };
  announce(`Uploading ${file.name}.`);
  try {
    arrived(await uploadFile(file, (bytes) => noteSent(ours, bytes), ours.signal));
  } catch (error) {
    if (ours.signal.aborted) return;
    transfer.value = { state: "none" };
    leavingFor.value = null;
    errors.value = { file: wordsFor(error) };
    if (error instanceof Problem && error.status === 429) keptShown.value = true;
  }
}

/** Takes a file that was sent before. */
export async function takeKept(id: string): Promise<void> {
  cancelUpload();
  problem.value = null;
  try {
    arrived(await endpoints.loadUpload(id));
  } catch (error) {
    errors.value = { file: wordsFor(error) };
  }
}

function noteSent(ours: AbortController, sent_bytes: number): void {
  const current = transfer.value;
  if (ours !== request || current.state !== "sending") return;
  transfer.value = { ...current, sent_bytes: Math.min(sent_bytes, current.size_bytes) };
}

function arrived(upload: Upload): void {
  transfer.value = { state: "there", upload };
  leavingFor.value = null;
  errors.value = {};
  importForm.value = { ...importForm.value, mapping: upload.columns };
  if (importForm.value.format !== null) chooseFormat(importForm.value.format);
  announce(`${upload.name} is there: ${formatUnits(upload.rows, "rows")}.`);
}

/** What is wrong with the file, where the gateway says so; else what went wrong. */
function wordsFor(error: unknown): string {
  if (!(error instanceof Problem)) return messageOf(error);
  return error.errors.map(({ detail }) => detail).join(" ") || error.message;
}

/** Breaks off, and forgets the file. */
export function cancelUpload(): void {
  request?.abort();
  request = null;
  transfer.value = { state: "none" };
  importForm.value = { ...importForm.value, mapping: [] };
  errors.value = {};
}

/** Sends the form. True: the job is accepted, and the page has gone on to the monitor. */
export async function submitImport(): Promise<boolean> {
  if (transfer.value.state === "sending") {
    errors.value = { file: "The file is still on its way. Start the import when it is there." };
    return false;
  }
  errors.value = importFaults(importForm.value, uploaded.value, formats());
  const upload = uploaded.value;
  if (!upload || Object.keys(errors.value).length > 0) return false;
  const form = importForm.value;
  const submission = { type: IMPORT, parameters: importParameters(form, upload), reference: referenceOf(form, upload) };
  return sendJob(submission, importPlaceOf, clearImport);
}

function clearImport(): void {
  cancelUpload();
  importForm.value = EMPTY_IMPORT;
}

/** While a file is on its way, other pages wait for the user's word. */
guardLeaving((to) => {
  if (transfer.value.state !== "sending" || to.pathname + to.search === IMPORT_ADDRESS) return true;
  leavingFor.value = to.pathname + to.search;
  return false;
});

export function leaveAllTheSame(): void {
  const to = leavingFor.value;
  leavingFor.value = null;
  cancelUpload();
  if (to) navigate(to);
}

/** Closing the window loses a file that is not imported yet; the browser asks in its own words. */
addEventListener("beforeunload", (event) => {
  if (transfer.value.state !== "none") event.preventDefault();
});

/** Nothing of one user's form is left for the next. */
effect(() => {
  if (session.value !== null) return;
  untracked(clearImport);
  leavingFor.value = null;
  importOffer.value = null;
});
