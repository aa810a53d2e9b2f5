/** One of the two lists, monitor or history: what the gateway answered, kept current by the live stream. */

import { batch, signal } from "@preact/signals";
import * as endpoints from "../api/endpoints.ts";
import { Problem } from "../api/http.ts";
import { belongs, byStart, newerOf } from "../model/lists.ts";
import type { Filter, Job, JobPage, View } from "../model/types.ts";
import type { Counting } from "./counting.ts";

const PAGE_SIZE = 50;
/** A list scrolled further than this is reloaded to this length only. */
const RELOAD_MAX = 200;
/** Rows of jobs that left are few: so many are remembered. */
const DEPARTED_MAX = 200;
const RELOAD_DELAY_MS = 400;
/** A search goes on by itself while it has found little: requests at a time. */
const SEARCHES_MAX = 10;

export class JobList {
  readonly view: View;
  /** null until the first answer came. */
  readonly items = signal<Job[] | null>(null);
  readonly more = signal<string | null>(null);
  readonly filter = signal<Filter>("all");
  readonly query = signal("");
  /** How far back a search has looked that has not looked at all jobs. */
  readonly searchedBackTo = signal<string | null>(null);
  readonly loading = signal(false);
  readonly problem = signal<string | null>(null);
  /** Changes when the user asked for other jobs, and they are there. */
  readonly edition = signal(0);
  /** Jobs that left the list since then, in their last version. */
  readonly departed = new Map<string, Job>();

  private readonly counting: Counting;
  private request: AbortController | null = null;
  /** The user asked for other jobs, which are not there yet. */
  private chosen = false;
  /** Events that came while an answer was awaited: it may be older than they are. */
  private arrived: Job[] = [];
  private reloadTimer: ReturnType<typeof setTimeout> | undefined;

  /** `counting` hears of the counts that come with the answers. */
  constructor(view: View, counting: Counting) {
    this.view = view;
    this.counting = counting;
  }

  find(id: string): Job | undefined {
    return this.items.value?.find((job) => job.id === id);
  }

  clear(): void {
    this.request?.abort();
    batch(() => {
      this.items.value = null;
      this.departed.clear();
      this.edition.value++;
      this.more.value = null;
      this.searchedBackTo.value = null;
      this.problem.value = null;
      this.filter.value = "all";
      this.query.value = "";
    });
  }

  choose(filter: Filter, query: string): void {
    this.filter.value = filter;
    this.query.value = query.trim();
    this.chosen = true;
    void this.load();
  }

  /** Asks for the list anew, as long as it was. False: it could not be had, and `problem` says why. */
  async load(): Promise<boolean> {
    const limit = Math.min(Math.max(this.items.value?.length ?? 0, PAGE_SIZE), RELOAD_MAX);
    if (await this.ask(limit, undefined, (page) => page.items)) await this.searchOn(PAGE_SIZE, SEARCHES_MAX - 1);
    return this.problem.value === null;
  }

  async loadMore(): Promise<void> {
    if (this.searchedBackTo.value) await this.searchOn((this.items.value?.length ?? 0) + PAGE_SIZE, SEARCHES_MAX);
    else await this.askMore();
  }

  /** Looks at older jobs until so many are found or there is no more to look at, in at most so many requests. */
  private async searchOn(wanted: number, requests: number): Promise<void> {
    for (let left = requests; left > 0; left--) {
      if (!this.searchedBackTo.value || (this.items.value?.length ?? 0) >= wanted || !(await this.askMore())) return;
    }
  }

  private async askMore(): Promise<boolean> {
    const after = this.more.value;
    if (!after) return false;
    return this.ask(PAGE_SIZE, after, (page) => {
      const known = new Set(page.items.map((job) => job.id));
      return [...(this.items.value ?? []).filter((job) => !known.has(job.id)), ...page.items];
    });
  }

  /** Takes in a newer version of a job, wherever it now belongs. */
  apply(job: Job): void {
    if (this.request) this.arrived.push(job);
    const items = this.items.value;
    if (!items) return;
    const known = this.find(job.id);
    if (known && known.sequence > job.sequence) return;
    if (!belongs(job, this.view, this.filter.value)) {
      if (known) this.leave(job);
    } else if (known) {
      this.put(job);
    } else if (this.query.value) {
      this.reloadSoon();
    } else if (!this.more.value || byStart(job, items.at(-1) ?? job) < 0) {
      this.put(job);
    }
  }

  private put(job: Job): void {
    const others = (this.items.value ?? []).filter((each) => each.id !== job.id);
    this.items.value = [...others, job].sort(byStart);
  }

  private leave(job: Job): void {
    this.departed.set(job.id, job);
    for (const oldest of this.departed.keys()) if (this.departed.size > DEPARTED_MAX) this.departed.delete(oldest);
    this.items.value = (this.items.value ?? []).filter((each) => each.id !== job.id);
  }

  private reloadSoon(): void {
    clearTimeout(this.reloadTimer);
    this.reloadTimer = setTimeout(() => void this.load(), RELOAD_DELAY_MS);
  }

  /** False: there was no answer, or it is no longer wanted. */
  private async ask(limit: number, after: string | undefined, join: (page: JobPage) => Job[]): Promise<boolean> {
    this.request?.abort();
    const mine = (this.request = new AbortController());
    this.arrived = [];
    this.loading.value = true;
    try {
      const list = { view: this.view, filter: this.filter.value, query: this.query.value, after, limit };
      const counted = this.counting.begin();
      const page = await endpoints.listJobs(list, mine.signal);
      if (this.request !== mine) return false;
      if (page.counts) this.counting.take(counted, page.counts);
      this.take(page, join);
      return true;
    } catch (error) {
      if (!mine.signal.aborted) this.problem.value = error instanceof Problem ? error.message : String(error);
      return false;
    } finally {
      if (this.request === mine) this.request = null;
      this.loading.value = this.request !== null;
    }
  }

  private take(page: JobPage, join: (page: JobPage) => Job[]): void {
    const arrived = this.arrived;
    this.request = null;
    batch(() => {
      if (this.chosen) {
        this.chosen = false;
        this.departed.clear();
        this.edition.value++;
      }
      const found = [...page.items, ...(page.further_back ?? [])].map((job) => newerOf(job, this.find(job.id)));
      this.items.value = join({ ...page, items: found }).sort(byStart);
      this.more.value = page.next;
      this.searchedBackTo.value = page.searched_back_to ?? null;
      this.problem.value = null;
      arrived.forEach((job) => this.apply(job));
    });
  }
}
