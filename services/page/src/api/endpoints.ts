import { getJson, postJson, send } from "./http.ts";
import type { Filter, JobDetails, JobPage, JobType, Preview, Session, Submitted, Upload, UploadList, View } from "../model/types.ts";

export interface ListQuery {
  view: View;
  filter: Filter;
  query: string;
  after?: string | undefined;
  limit: number;
}

export interface Submission {
  type: string;
  parameters: Record<string, unknown>;
  reference?: string;
  run_at?: string;
}

export const loadSession = (): Promise<Session> => getJson("/api/v1/session");
export const logIn = (email: string, password: string): Promise<Session> => postJson("/api/v1/session", { email, password });
export const logOut = (): Promise<Response> => send("/api/v1/session", { method: "DELETE" });

export function listJobs(list: ListQuery, signal?: AbortSignal): Promise<JobPage> {
  const parameters = new URLSearchParams({ view: list.view, limit: String(list.limit) });
  if (list.filter !== "all") parameters.set("state", list.filter);
  if (list.query) parameters.set("q", list.query);
  if (list.after) parameters.set("after", list.after);
  return getJson(`/api/v1/jobs?${parameters}`, signal);
}

export const loadJob = (number: number, signal?: AbortSignal): Promise<JobDetails> => getJson(`/api/v1/jobs/${number}`, signal);
export const requestStop = (number: number): Promise<unknown> => postJson(`/api/v1/jobs/${number}/stop`, {});

export const loadJobTypes = (): Promise<{ items: JobType[] }> => getJson("/api/v1/job-types");
/** Lists by their names; none for a type that offers nothing to choose from. */
export const loadJobTypeOptions = (type: string): Promise<Record<string, unknown>> => getJson(`/api/v1/job-types/${encodeURIComponent(type)}/options`);

export const listUploads = (type: string): Promise<UploadList> => getJson(`/api/v1/uploads?${new URLSearchParams({ type })}`);
export const loadUpload = (id: string): Promise<Upload> => getJson(`/api/v1/uploads/${id}`);
export const deleteUpload = (id: string): Promise<Response> => send(`/api/v1/uploads/${id}`, { method: "DELETE" });

export const previewJob = (type: string, parameters: object, signal: AbortSignal): Promise<Preview> =>
  postJson("/api/v1/job-preview", { type, parameters }, {}, signal);

/** The key makes a repeat after a lost answer the same job. */
export const submitJob = (submission: Submission, idempotencyKey: string): Promise<Submitted> =>
  postJson("/api/v1/jobs", submission, { "idempotency-key": idempotencyKey });
