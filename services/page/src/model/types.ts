/** The API's types under the page's names, and what the API's description does not say. */

import type { Schema } from "./json_schema.ts";
import type { Counts, Form, Item, JobDetails as Details, JobTypeInfo, Upload as AnyUpload } from "./api_types.ts";

export type {
  Choice, Counts, Field, Form, Item as Job, JobList as JobPage, ListedUpload, Needed, Preview, RelatedJob, ResultFile as Result, Session, Shown, Submitted, TimelineEntry,
  UploadList, UploadRule,
} from "./api_types.ts";

export type View = Item["view"];
/** The chips of the monitor. */
export type Filter = keyof Counts;

/** The page asks for jobs by their numbers. */
export type JobDetails = Details & { number: number };
/** The gateway fills in whatever words a type leaves out. */
export type JobType = Omit<JobTypeInfo, "parameters_schema" | "form"> & { parameters_schema: Schema; form: Required<Form> };

/** Where the cells of a file's column go. What there is to go to, only the job type knows. */
export interface ColumnMapping {
  header: string;
  to: string;
  /** Of what it goes to, where there are several of that kind. */
  id?: number | null;
}

export type Upload = Omit<AnyUpload, "columns"> & { columns: ColumnMapping[] };
