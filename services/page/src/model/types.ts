/** What the gateway's API answers, as the page uses it. */

export type UserType = "user" | "admin" | "super_admin";

export interface Session {
  user: { id: number; email: string; name: string; user_type: UserType; permissions: string[] };
  account: { id: number; name: string; time_zone: string };
}

export type JobState =
  | "scheduled"
  | "queued"
  | "running"
  | "stopping"
  | "completed"
  | "completed_with_errors"
  | "failed"
  | "cancelled";

export type View = "monitor" | "history";

export interface Progress {
  done: number;
  total: number;
  percent: number;
  unit: string | null;
}

export interface Result {
  kind: "file" | "report";
  name: string;
  media_type: string;
  extension: string;
  size_bytes: number;
  rows: number | null;
  expires_at: string | null;
  expired: boolean;
  downloaded_at: string | null;
  href: string;
}

export interface Job {
  id: string;
  number: number;
  /** The job type's slug. */
  type: string;
  /** The job type's name. */
  name: string;
  reference: string | null;
  state: JobState;
  submitted_at: string | null;
  scheduled_for: string | null;
  started_at: string | null;
  completed_at: string | null;
  progress: Progress;
  rejected: number;
  outcomes: Record<string, number> | null;
  failure: { code: string; reason: string } | null;
  result: Result | null;
  can_stop: boolean;
  stop_requested: boolean;
  owner: { id: number; name: string };
  view: View;
  /** Rises with every fact of this job: of two versions of a job the higher one is the newer. */
  sequence: number;
}

/** Something that happened to a job. */
export interface TimelineEntry {
  type: string;
  at: string;
  /** Of a refused request: why. */
  reason: string | null;
}

export interface JobDetails extends Job {
  timeline: TimelineEntry[];
}

export type Filter = "all" | "running" | "scheduled" | "ready";
/** Of the whole monitor; 1000 stands for "1,000 or more". */
export type Counts = Record<Filter, number>;

export interface JobPage {
  items: Job[];
  next: string | null;
  /** Given where a search has not looked at all jobs: how far back it has. */
  searched_back_to: string | null;
  /** Jobs beyond that whose reference or Job# is just what was searched for; they come again on their page. */
  further_back: Job[];
  /** On a first page only. */
  counts: Counts | null;
}

export interface JobType {
  type: string;
  name: string;
  unit: string;
  stoppable: boolean;
  permission: string;
  may_start: boolean;
}

export interface Named {
  id: number;
  name: string;
}

export interface ExportOptions {
  export_groups: (Named & { fields: string[] })[];
  profiles: (Named & { members: number })[];
  pages: (Named & { kind: string })[];
  questions: (Named & { kind: string })[];
  broadcasts: (Named & { sent_at: string | null })[];
}

export type ColumnKind = "email" | "field" | "question" | "page" | "skip";

/** Where the cells of a file's column go. */
export interface ColumnMapping {
  header: string;
  to: ColumnKind;
  /** Of the field, question or page. */
  id?: number;
}

export type ImportMode = "add_and_update" | "only_create";

export interface ImportFormat extends Named {
  mode: ImportMode;
  columns: ColumnMapping[];
}

export interface ImportOptions {
  fields: (Named & { tag: string | null })[];
  questions: (Named & { kind: string })[];
  /** Those a participation can be imported for. */
  pages: (Named & { kind: string })[];
  formats: ImportFormat[];
}

/** A file that was uploaded, as the gateway understands it. */
export interface Upload {
  id: string;
  name: string;
  kind: "csv" | "xlsx";
  size_bytes: number;
  sha256: string;
  rows: number;
  /** All columns in the file's order, with what each most likely is. */
  columns: ColumnMapping[];
  first_rows: string[][];
}

/** A file the user sent before. */
export interface KeptUpload {
  id: string;
  name: string;
  kind: "csv" | "xlsx";
  size_bytes: number;
  created_at: string;
  /** A job that has not ended reads it: until then it cannot be deleted. */
  needed: boolean;
}

export interface KeptUploads {
  /** Newest first. */
  items: KeptUpload[];
  /** So many of one user are kept at the same time. */
  at_most: number;
}
