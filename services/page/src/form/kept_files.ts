/** The files the user sent before for jobs of one type: what is kept of them, and how they make room. */

import { signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { messageOf, Problem } from "../api/http.ts";
import type { UploadList } from "../model/types.ts";
import { announce } from "../state/notices.ts";

export class KeptFiles {
  /** null until known; where it cannot be had, the form does without. */
  readonly files = signal<UploadList | null>(null);
  /** Deleted since the list was loaded. Their lines stay, so that a second click takes no neighbour. */
  readonly deleted = signal<ReadonlySet<string>>(new Set());
  readonly problem = signal<string | null>(null);
  /** Whether the list is open: by the user, or because there is no more room. */
  readonly shown = signal(false);
  private readonly type: string;

  constructor(type: string) {
    this.type = type;
  }

  /** How many are kept now. */
  get count(): number {
    return (this.files.value?.items.length ?? 0) - this.deleted.value.size;
  }

  async load(): Promise<void> {
    try {
      this.files.value = await endpoints.listUploads(this.type);
      this.deleted.value = new Set();
      this.problem.value = null;
    } catch {
      this.files.value = null;
    }
  }

  async delete(id: string, name: string): Promise<void> {
    if (this.deleted.value.has(id)) return;
    this.problem.value = null;
    try {
      await endpoints.deleteUpload(id);
    } catch (error) {
      // Gone already is as good.
      if (!(error instanceof Problem && error.status === 404)) {
        this.problem.value = `${name} is not deleted. ${messageOf(error)}`;
        return;
      }
    }
    this.deleted.value = new Set([...this.deleted.value, id]);
    announce(`${name} is deleted.`);
  }
}
