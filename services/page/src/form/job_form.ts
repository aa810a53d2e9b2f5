/** The form that starts a job of one type: what stands in it, how much work that would be, and its submission. */

import { batch, computed, effect, signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { messageOf, Problem } from "../api/http.ts";
import { instantOf } from "../model/time.ts";
import type { JobType, Upload } from "../model/types.ts";
import { formatUnits } from "../model/words.ts";
import { jobChanged } from "../state/jobs.ts";
import { announce, toast } from "../state/notices.ts";
import { navigate } from "../state/route.ts";
import { zone } from "../state/session.ts";
import { layOut, type Control, type Layout } from "./controls.ts";
import { faultsOf, placeOf, type Faults } from "./faults.ts";
import { IdempotencyKey } from "./idempotency_key.ts";
import { KeptFiles } from "./kept_files.ts";
import { referenceOf } from "./reference.ts";
import { fileControl, Transfer, whyNotSent } from "./transfer.ts";
import { initialValues, optionsOf, parametersOf, type Option, type Setting, type Values } from "./values.ts";

const PREVIEW_DELAY_MS = 300;
const SEE_FIELD = "This cannot be started as it is: see the marked field.";

export type Preview = { state: "counting" } | { state: "counted"; units: number; unit: string; warning: string | null } | { state: "unknown"; reason: string };

/** What is wrong with a file, where the gateway says so; else what went wrong. */
function wordsFor(error: unknown): string {
  if (!(error instanceof Problem)) return messageOf(error);
  return error.errors.map(({ detail }) => detail).join(" ") || error.message;
}

export class JobForm {
  readonly jobType: JobType;
  readonly layout: Layout;
  /** null until they are loaded. */
  readonly options = signal<Readonly<Record<string, unknown>> | null>(null);
  /** Why they could not be loaded. */
  readonly loadProblem = signal<string | null>(null);
  readonly values = signal<Values>({});
  readonly reference = signal("");
  /** As the date field gives it, in the account's zone; null: now. */
  readonly startAt = signal<string | null>(null);
  /** By place. */
  readonly errors = signal<Faults>({});
  /** Why the last submission was not accepted, as far as no field is to blame. */
  readonly problem = signal<string | null>(null);
  readonly preview = signal<Preview>({ state: "counting" });
  readonly sending = signal(false);
  readonly transfer = new Transfer();
  readonly kept: KeptFiles;
  readonly setting = computed<Setting>(() => ({ zone: zone.value, options: this.options.value ?? {}, upload: this.transfer.upload.value }));
  private readonly faults = computed(() => faultsOf(this.layout.controls, this.values.value, this.setting.value));
  private readonly parameters = computed(() => JSON.stringify(parametersOf(this.layout.controls, this.values.value, this.setting.value)));
  private readonly key = new IdempotencyKey();

  constructor(jobType: JobType) {
    this.jobType = jobType;
    this.layout = layOut(jobType.form, jobType.parameters_schema);
    this.kept = new KeptFiles(jobType.type);
    this.clear();
  }

  get controls(): Control[] {
    return this.layout.controls.all;
  }

  async load(): Promise<void> {
    this.loadProblem.value = null;
    try {
      this.options.value = await endpoints.loadJobTypeOptions(this.jobType.type);
    } catch (error) {
      this.loadProblem.value = messageOf(error);
    }
  }

  clear(): void {
    this.transfer.cancel();
    this.values.value = initialValues(this.layout.controls, this.setting.value);
    this.reference.value = "";
    this.startAt.value = null;
    this.errors.value = {};
    this.problem.value = null;
  }

  /** What is typed is judged when the form is sent, and from then on with every change; a choice from a list at once. */
  change(control: Control, value: unknown): void {
    const option = control.sets.length > 0 ? optionsOf(control, this.setting.value).find((each) => each.id === value) : undefined;
    this.set({ [control.name]: value, ...(option && broughtBy(control, option)) });
    this.problem.value = null;
    if (Object.keys(this.errors.value).length > 0) this.errors.value = this.faults.value;
    else if (control.kind === "select") this.showFaultOf(control);
  }

  private set(changes: Values): void {
    this.values.value = { ...this.values.value, ...changes };
  }

  private showFaultOf(control: Control): void {
    const fault = this.faults.value[control.place];
    this.errors.value = fault ? { [control.place]: fault } : {};
  }

  /** Sends a file to the gateway, in place of the one before. */
  async takeFile(file: File): Promise<void> {
    const rule = this.jobType.upload;
    const control = fileControl(this.controls);
    if (!rule || !control) return;
    this.dropFile();
    const reason = whyNotSent(file, rule, control.refusal);
    this.errors.value = reason ? { [control.place]: reason } : {};
    if (!reason) await this.receive(() => this.transfer.send(file, this.jobType));
  }

  /** Takes a file that was sent before. */
  async takeKept(id: string): Promise<void> {
    this.dropFile();
    await this.receive(() => endpoints.loadUpload(id));
  }

  /** Breaks off, and forgets the file. */
  dropFile(): void {
    this.transfer.cancel();
    this.errors.value = {};
    this.problem.value = null;
    this.setFile(null);
  }

  private setFile(upload: Upload | null): void {
    for (const { name, kind } of this.controls) {
      if (kind === "file") this.set({ [name]: upload?.id ?? null });
      if (kind === "columns") this.set({ [name]: upload?.columns ?? [] });
    }
  }

  private async receive(get: () => Promise<Upload | null>): Promise<void> {
    try {
      const upload = await get();
      if (upload) batch(() => this.arrived(upload));
    } catch (error) {
      this.errors.value = { [fileControl(this.controls)?.place ?? ""]: wordsFor(error) };
      if (error instanceof Problem && error.status === 429) this.kept.shown.value = true;
    }
  }

  private arrived(upload: Upload): void {
    this.transfer.arrived(upload);
    this.errors.value = {};
    this.setFile(upload);
    // A saved mapping that was chosen before brings what it brings, and may not fit this file.
    for (const control of this.controls) {
      if (control.sets.length > 0 && this.values.value[control.name] !== null) this.change(control, this.values.value[control.name]);
    }
    announce(`${upload.name} is there${upload.rows > 0 ? `: ${formatUnits(upload.rows, "rows")}` : ""}.`);
  }

  /** Counts anew, a moment after the last change. Returns what ends it. */
  keepCounting(): () => void {
    return effect(() => {
      const parameters = this.parameters.value;
      if (!this.options.value) return undefined;
      const reason = this.whyNotCounted();
      if (reason !== null) {
        this.preview.value = { state: "unknown", reason };
        return undefined;
      }
      const request = new AbortController();
      const timer = setTimeout(() => void this.count(parameters, request.signal), PREVIEW_DELAY_MS);
      return () => {
        clearTimeout(timer);
        request.abort();
      };
    });
  }

  private whyNotCounted(): string | null {
    const control = fileControl(this.controls);
    if (this.transfer.state.value.state === "sending") return "The file is on its way.";
    if (control?.required && !this.transfer.upload.value) return "Choose a file first.";
    const [found] = Object.entries(this.faults.value);
    return found ? this.wordsApart(...(found as [string, string])) : null;
  }

  /** What is wrong with a field, said where the field is not. */
  private wordsApart(place: string, fault: string): string {
    if (this.errors.value[place] && !this.controls.some(({ needed }) => needed?.message === fault)) return SEE_FIELD;
    const control = this.controls.find((each) => place === each.place || place.startsWith(`${each.place}.`));
    return control && control.needed?.message !== fault ? `${control.label}: ${fault}` : fault;
  }

  private async count(parameters: string, signal: AbortSignal): Promise<void> {
    this.preview.value = { state: "counting" };
    try {
      const { units, unit, warning = null } = await endpoints.previewJob(this.jobType.type, JSON.parse(parameters) as object, signal);
      if (signal.aborted) return;
      this.preview.value = { state: "counted", units, unit, warning };
    } catch (error) {
      if (signal.aborted) return;
      const refused = error instanceof Problem && error.status === 422;
      const rest = refused ? this.place(error) : [];
      const marked = refused && Object.keys(this.errors.value).length > 0;
      this.preview.value = { state: "unknown", reason: rest[0] ?? (marked ? SEE_FIELD : messageOf(error)) };
    }
  }

  /** Puts each error at its field; returns the words of those that have none. */
  private place(problem: Problem): string[] {
    const placed: Record<string, string> = {};
    const rest: string[] = [];
    for (const { field, detail } of problem.errors) {
      const at = placeOf(field, this.controls);
      if (at) placed[at] ??= detail;
      else rest.push(detail);
    }
    this.errors.value = placed;
    return rest;
  }

  /** Sends the form. True: the job is accepted, and the page has gone on to the monitor. */
  async submit(): Promise<boolean> {
    if (this.sending.value) return false;
    this.errors.value = this.whyNotSent();
    if (Object.keys(this.errors.value).length > 0) return false;
    this.sending.value = true;
    this.problem.value = null;
    try {
      await this.send();
      return true;
    } catch (error) {
      this.refused(error);
      return false;
    } finally {
      this.sending.value = false;
    }
  }

  private whyNotSent(): Faults {
    const file = fileControl(this.controls);
    if (file && this.transfer.state.value.state === "sending") return { [file.place]: "The file is still on its way. Start the job when it is there." };
    return { ...this.faults.value, ...(this.startAt.value === "" && { run_at: "Enter the day and the time of the start." }) };
  }

  private async send(): Promise<void> {
    const request = this.submission();
    const accepted = await endpoints.submitJob(request, this.key.for(JSON.stringify(request)));
    this.key.used();
    this.clear();
    if (accepted.job) jobChanged(accepted.job);
    toast(accepted.number ? `Job ${accepted.number} is accepted.` : "Your job is accepted and will be listed in a moment.");
    navigate("/");
  }

  private submission(): endpoints.Submission {
    const reference = referenceOf(this.reference.value, this.transfer.upload.value?.name ?? "");
    const startAt = this.startAt.value;
    return {
      type: this.jobType.type,
      parameters: JSON.parse(this.parameters.value) as Record<string, unknown>,
      ...(reference && { reference }),
      ...(startAt !== null && { run_at: instantOf(startAt, zone.value).toISOString() }),
    };
  }

  private refused(error: unknown): void {
    if (!(error instanceof Problem) || error.status !== 422) {
      this.problem.value = `${messageOf(error)} Nothing was lost: your choices are still here, and sending them again starts one job only.`;
      return;
    }
    const rest = this.place(error);
    const placed = Object.keys(this.errors.value).length > 0;
    this.problem.value = rest.join(" ") || (placed ? null : error.message);
  }
}

function broughtBy(control: Control, option: Option): Values {
  return Object.fromEntries(control.sets.map((name) => [name, option[name] ?? null]));
}
