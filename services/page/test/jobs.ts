/** Jobs for tests: plain ones, but for what a test says. */

import type { Job, Result } from "../src/model/types.ts";

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: "0198c0de-0000-7000-8000-000000000001",
    number: 10_001,
    type: "user-data-export",
    name: "User Data Export",
    reference: null,
    state: "running",
    parent_job_id: null,
    submitted_at: null,
    scheduled_for: null,
    started_at: null,
    completed_at: null,
    progress: { done: 0, total: 0, percent: 0, unit: null },
    waits_for: null,
    rejected: 0,
    outcomes: null,
    failure: null,
    result: null,
    can_stop: false,
    stop_requested: false,
    owner: { id: 1, name: "Ada" },
    view: "monitor",
    sequence: 1,
    ...changes,
  };
}

export function result(changes: Partial<Result> = {}): Result {
  return {
    kind: "file",
    name: "J10001_user-data-export_20261123-1200.csv",
    media_type: "text/csv",
    extension: "csv",
    size_bytes: 1_000,
    rows: 10,
    expires_at: "2026-12-23T12:00:00Z",
    expired: false,
    downloaded_at: null,
    href: "/api/v1/jobs/10001/result",
    ...changes,
  };
}
