/** The rows of a list as they are shown: they do not move under a hand that is about to click. */

import { effect, signal, untracked } from "@preact/signals";
import { placeRows, unseen, type Row } from "../model/rows.ts";
import type { Job } from "../model/types.ts";
import { isAtRow, onList, whereabouts } from "./hand.ts";
import type { JobList } from "./job_list.ts";
import { lessMotion } from "./layout.ts";

/** As long as the row's fading in monitor.css. */
const LEAVING_MS = 180;

export class SteadyRows {
  /** null until the list was loaded. */
  readonly rows = signal<Row[] | null>(null);
  /** Jobs that wait for the hand to leave. */
  readonly waiting = signal(0);
  private edition = -1;

  constructor(list: JobList) {
    effect(() => {
      const jobs = list.items.value;
      const edition = list.edition.value;
      const held = onList.value;
      void whereabouts.value;
      untracked(() => this.place(list, jobs, held, edition));
    });
  }

  private place(list: JobList, jobs: Job[] | null, held: boolean, edition: number): void {
    // What the user asked for herself comes at once.
    const shown = edition === this.edition ? (this.rows.value ?? []) : [];
    this.edition = edition;
    const hold = { list: held && shown.length > 0, row: (job: Job) => isAtRow(job.number), departed: (id: string) => list.departed.get(id) };
    const rows = jobs && placeRows(shown, jobs, hold);
    this.rows.value = rows;
    this.waiting.value = rows && jobs ? unseen(rows, jobs) : 0;
    if (rows?.some((row) => row.state === "leaving")) setTimeout(() => this.sweep(), lessMotion.value ? 0 : LEAVING_MS);
  }

  private sweep(): void {
    const rows = this.rows.value;
    if (rows?.some((row) => row.state === "leaving")) this.rows.value = rows.filter((row) => row.state !== "leaving");
  }
}
