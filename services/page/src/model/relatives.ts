/** The jobs that a job's details name beside it, as the live stream changes them. */

import type { Job, JobDetails, RelatedJob } from "./types.ts";

/** So many children are shown. */
const CHILDREN_SHOWN = 100;

function related({ id, number, type, name, reference, state }: Job): RelatedJob {
  return { id, number, type, name, reference, state };
}

/** The details after the stream told of another job; the same where that is no relative. */
export function withRelative(job: JobDetails, heard: Job): JobDetails {
  if (heard.id === job.parent_job_id) return { ...job, parent: related(heard) };
  if (heard.parent_job_id !== job.id) return job;
  const children = job.children.filter((child) => child.id !== heard.id);
  if (children.length === job.children.length && job.more_children) return job;
  const sorted = [...children, related(heard)].sort((one, other) => one.number - other.number);
  return { ...job, children: sorted.slice(0, CHILDREN_SHOWN), more_children: job.more_children || sorted.length > CHILDREN_SHOWN };
}
