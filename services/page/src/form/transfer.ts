/** The file of a form, on its way to the gateway. */

import { computed, signal } from "@preact/signals";
import { uploadFile } from "../api/upload.ts";
import type { JobType, Upload, UploadRule } from "../model/types.ts";
import { formatCount } from "../model/words.ts";
import { announce } from "../state/notices.ts";
import type { Control } from "./controls.ts";

export type TransferState =
  | { state: "none" }
  | { state: "sending"; name: string; size_bytes: number; sent_bytes: number }
  | { state: "there"; upload: Upload };

/** `.csv or .xlsx`. */
export function endingsOf(rule: UploadRule): string {
  const endings = rule.endings.map((ending) => `.${ending}`);
  return [endings.slice(0, -1).join(", "), endings.at(-1)].filter((words) => words).join(" or ");
}

const MEGABYTE = 1024 ** 2;

/** `20 MB`, in powers of two, as limits are set; `1,000 bytes`. */
export function limitOf({ bytes_at_most }: UploadRule): string {
  return bytes_at_most < MEGABYTE ? `${formatCount(bytes_at_most)} bytes` : `${formatCount(Math.floor(bytes_at_most / MEGABYTE))} MB`;
}

/** Why a file is not even sent; null: it may be. */
export function whyNotSent(file: { name: string; size: number }, rule: UploadRule, refusal: string): string | null {
  const fits = rule.endings.some((ending) => file.name.toLowerCase().endsWith(`.${ending}`));
  if (!fits) return `${file.name} ${refusal || `does not fit: choose a file that ends in ${endingsOf(rule)}.`}`;
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size <= rule.bytes_at_most) return null;
  const exactly = rule.bytes_at_most < MEGABYTE ? "" : ` (${formatCount(rule.bytes_at_most)} bytes)`;
  return `${file.name} is too large: it has ${formatCount(file.size)} bytes, and ${limitOf(rule)}${exactly} is the most. Split it into smaller files.`;
}

export class Transfer {
  readonly state = signal<TransferState>({ state: "none" });
  readonly upload = computed(() => (this.state.value.state === "there" ? this.state.value.upload : null));
  private request: AbortController | null = null;

  /** Breaks off, and forgets the file. */
  cancel(): void {
    this.request?.abort();
    this.request = null;
    this.state.value = { state: "none" };
  }

  /** Sends a file in place of the one before. null: it was cancelled, or replaced by another. Throws Problem. */
  async send(file: File, jobType: JobType): Promise<Upload | null> {
    this.cancel();
    const ours = new AbortController();
    this.request = ours;
    this.state.value = { state: "sending", name: file.name, size_bytes: file.size, sent_bytes: 0 };
    announce(`Uploading ${file.name}.`);
    try {
      return await uploadFile(file, jobType.type, (bytes) => this.noteSent(ours, bytes), ours.signal);
    } catch (error) {
      if (ours.signal.aborted) return null;
      this.state.value = { state: "none" };
      throw error;
    }
  }

  arrived(upload: Upload): void {
    this.state.value = { state: "there", upload };
  }

  private noteSent(ours: AbortController, sent_bytes: number): void {
    const current = this.state.value;
    if (ours !== this.request || current.state !== "sending") return;
    this.state.value = { ...current, sent_bytes: Math.min(sent_bytes, current.size_bytes) };
  }
}

/** The control a form has for its file; null for none. */
export function fileControl(controls: Control[]): Control | null {
  return controls.find((control) => control.kind === "file") ?? null;
}
