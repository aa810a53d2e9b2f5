/** What the gateway's API takes and answers. Made from its OpenAPI document by `deploy/build_page.py --types`. */

export type JobTypeOptions = {
  [k: string]: unknown;
};

/**
 * A log-in.
 */
export interface Credentials {
  email: string;
  password: string;
}
/**
 * A job that was asked for by its Job# or its id.
 */
export interface Job {
  id: string;
  type: string;
  name: string;
  reference: string | null;
  state: "cancelled" | "completed" | "completed_with_errors" | "failed" | "queued" | "running" | "scheduled" | "stopping";
  parent_job_id: string | null;
  submitted_at: string | null;
  scheduled_for: string | null;
  started_at: string | null;
  completed_at: string | null;
  progress: Progress;
  waits_for: string | null;
  rejected: number;
  outcomes: {
    [k: string]: number;
  } | null;
  failure: Failure | null;
  result: ResultFile | null;
  can_stop: boolean;
  stop_requested: boolean;
  owner: Owner;
  view: "history" | "monitor";
  sequence: number;
  number: number | null;
}
/**
 * How far a job is.
 */
export interface Progress {
  done: number;
  total: number;
  percent: number;
  unit: string | null;
}
/**
 * Why a job failed.
 */
export interface Failure {
  code: string;
  reason: string;
}
/**
 * What can be downloaded: the result file, or a failed job's report.
 */
export interface ResultFile {
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
/**
 * The user who started the job.
 */
export interface Owner {
  id: number;
  name: string;
}
/**
 * A job with all that happened to it, in order, and the jobs it is related to, as far as you may see them.
 */
export interface JobDetails {
  id: string;
  type: string;
  name: string;
  reference: string | null;
  state: "cancelled" | "completed" | "completed_with_errors" | "failed" | "queued" | "running" | "scheduled" | "stopping";
  parent_job_id: string | null;
  submitted_at: string | null;
  scheduled_for: string | null;
  started_at: string | null;
  completed_at: string | null;
  progress: Progress;
  waits_for: string | null;
  rejected: number;
  outcomes: {
    [k: string]: number;
  } | null;
  failure: Failure | null;
  result: ResultFile | null;
  can_stop: boolean;
  stop_requested: boolean;
  owner: Owner;
  view: "history" | "monitor";
  sequence: number;
  number: number | null;
  timeline: TimelineEntry[];
  parent: RelatedJob | null;
  children: RelatedJob[];
  more_children: boolean;
}
/**
 * Something that happened to a job.
 */
export interface TimelineEntry {
  type: string;
  at: string;
  reason?: string | null;
  waits_for?: string | null;
}
/**
 * A job that submitted another, or was submitted by it.
 */
export interface RelatedJob {
  id: string;
  number: number;
  type: string;
  name: string;
  reference: string | null;
  state: "cancelled" | "completed" | "completed_with_errors" | "failed" | "queued" | "running" | "scheduled" | "stopping";
}
/**
 * A page of the monitor or the history, newest first.
 */
export interface JobList {
  items: Item[];
  next: string | null;
  searched_back_to?: string | null;
  further_back?: Item[];
  counts?: Counts | null;
}
/**
 * A job as lists and the stream show it.
 */
export interface Item {
  id: string;
  type: string;
  name: string;
  reference: string | null;
  state: "cancelled" | "completed" | "completed_with_errors" | "failed" | "queued" | "running" | "scheduled" | "stopping";
  parent_job_id: string | null;
  submitted_at: string | null;
  scheduled_for: string | null;
  started_at: string | null;
  completed_at: string | null;
  progress: Progress;
  waits_for: string | null;
  rejected: number;
  outcomes: {
    [k: string]: number;
  } | null;
  failure: Failure | null;
  result: ResultFile | null;
  can_stop: boolean;
  stop_requested: boolean;
  owner: Owner;
  view: "history" | "monitor";
  sequence: number;
  number: number;
}
/**
 * Jobs of the whole monitor, whatever is listed or searched for. 1000 stands for "1,000 or more".
 */
export interface Counts {
  all: number;
  running: number;
  scheduled: number;
  ready: number;
}
/**
 * All job types.
 */
export interface JobTypeList {
  items: JobTypeInfo[];
}
/**
 * A job type that can be asked for.
 */
export interface JobTypeInfo {
  type: string;
  name: string;
  unit: string;
  stoppable: boolean;
  permission: string;
  may_start: boolean;
  parameters_schema: {
    [k: string]: unknown;
  };
  form: Form;
  upload: UploadRule | null;
}
/**
 * The whole form, and the words for jobs of this type. Name and start are asked for every type without mention.
 *
 *     What a type leaves out is filled in with what goes for any job.
 */
export interface Form {
  icon?: string;
  start?: string;
  jobs?: string;
  groups?: Group[];
  counted?: string;
  nothing?: string;
  note?: string;
  done?: string;
  outcomes?: {
    [k: string]: string;
  };
}
/**
 * Fields that belong together, under a heading.
 */
export interface Group {
  title: string;
  help?: string;
  fields?: Field[];
}
/**
 * One control.
 */
export interface Field {
  name: string;
  label: string;
  widget?: ("choice" | "columns" | "date" | "file" | "money" | "number" | "picker" | "rules" | "select" | "switch" | "text") | null;
  help?: string;
  placeholder?: string;
  unit?: string;
  optional?: boolean;
  half?: boolean;
  choices?: Choice[];
  options?: string;
  note?: string;
  notes?: {
    [k: string]: string;
  };
  none?: string;
  initial?: unknown;
  shown?: Shown | null;
  needed?: Needed | null;
  sets?: string[];
  saved?: string;
  refusal?: string;
  item?: string;
  fields?: Field[];
}
/**
 * One of a few values, each explained.
 */
export interface Choice {
  value: unknown;
  label: string;
  help?: string;
}
/**
 * When a field is shown: while something else has one of these values.
 */
export interface Shown {
  name: string;
  values?: unknown[];
}
/**
 * At least one of several has to be filled in, while the field is shown.
 */
export interface Needed {
  any_of: string[];
  message: string;
}
/**
 * Which file a job type reads.
 */
export interface UploadRule {
  endings: string[];
  media_types: {
    [k: string]: string;
  };
  bytes_at_most: number;
}
/**
 * A new token: this answer is the only one that has it.
 */
export interface MadeToken {
  id: number;
  token: string;
  created_at: string;
}
/**
 * How much work the job would be, started now.
 */
export interface Preview {
  units: number;
  unit: string;
  warning?: string | null;
}
/**
 * What a job would be asked to do.
 */
export interface PreviewRequest {
  type: string;
  parameters: {
    [k: string]: unknown;
  };
}
/**
 * An error, as RFC 9457 tells it.
 */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: FieldError[] | null;
}
/**
 * What is wrong with one field of the request.
 */
export interface FieldError {
  field: string;
  pointer?: string | null;
  detail: string;
}
/**
 * When jobs start by themselves.
 */
export interface Schedule {
  id: string;
  name: string;
  type: string;
  parameters: {
    [k: string]: unknown;
  };
  time: string;
  time_zone: string;
  weekdays: ("friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday")[] | null;
  month_day: number | null;
  reference: string | null;
  date_parameter: string | null;
  missed: "each" | "latest";
  owner: Owner;
  paused: boolean;
  created_at: string;
  next_date: string;
  next_at: string;
  problem: string | null;
  last_job: Job | null;
}
/**
 * The schedules you see, by name.
 */
export interface ScheduleList {
  items: Schedule[];
}
/**
 * Jobs to be started again and again: every day, or on some weekdays, or on one day of the month.
 */
export interface ScheduleRequest {
  name: string;
  type: string;
  parameters: {
    [k: string]: unknown;
  };
  time: string;
  time_zone?: string | null;
  weekdays?:
    | ["friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"]
    | [
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"
      ]
    | [
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"
      ]
    | [
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"
      ]
    | [
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"
      ]
    | [
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"
      ]
    | [
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday",
        "friday" | "monday" | "saturday" | "sunday" | "thursday" | "tuesday" | "wednesday"
      ]
    | null;
  month_day?: number | null;
  reference?: string | null;
  date_parameter?: string | null;
  missed?: "each" | "latest";
  owner?: "me" | "system";
}
/**
 * A session, as its owner sees it.
 */
export interface Session {
  user: User;
  account: Account;
}
/**
 * Who is logged in.
 */
export interface User {
  id: number;
  email: string;
  name: string;
  user_type: "admin" | "super_admin" | "user";
  permissions: string[];
}
/**
 * The account they work in.
 */
export interface Account {
  id: number;
  name: string;
  time_zone: string;
}
/**
 * A job to be done.
 */
export interface SubmissionRequest {
  type: string;
  parameters: {
    [k: string]: unknown;
  };
  reference?: string | null;
  run_at?: string | null;
  parent_job_id?: string | null;
}
/**
 * The job was accepted.
 */
export interface Submitted {
  id: string;
  number: number | null;
  location: string;
  job: Item | null;
}
/**
 * Live tokens first, each the newest first; 500 at most.
 */
export interface TokenList {
  items: ListedToken[];
}
/**
 * A token, but for the token itself, which nobody can be shown again.
 */
export interface ListedToken {
  id: number;
  user: TokenUser;
  kind: "private";
  created_at: string;
  revoked_at: string | null;
}
/**
 * In whose name a token asks.
 */
export interface TokenUser {
  id: number;
  name: string;
}
/**
 * A file for a job to read.
 */
export interface Upload {
  id: string;
  type: string;
  name: string;
  kind: string;
  size_bytes: number;
  sha256: string;
  created_at: string;
  columns: unknown[];
  rows: number;
  first_rows: string[][];
}
/**
 * The files you sent that are kept.
 */
export interface UploadList {
  items: ListedUpload[];
  at_most: number;
  account_bytes: number;
  account_bytes_at_most: number;
  nearly_full: boolean;
}
/**
 * A file that is kept.
 */
export interface ListedUpload {
  id: string;
  type: string;
  name: string;
  kind: string;
  size_bytes: number;
  created_at: string;
  needed: boolean;
}
