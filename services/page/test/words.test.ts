import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement, endTag, formatSize, formatUnits, stepWords, waitWords } from "../src/model/words.ts";
import { job, result } from "./jobs.ts";

test("sizes as file managers show them", () => {
  assert.deepEqual([900, 48_211, 18_213_000, 240_000_000, 1_234_000_000].map(formatSize), ["900 B", "48 kB", "18.2 MB", "240 MB", "1.2 GB"]);
});

test("one supporter, two supporters", () => {
  assert.equal(formatUnits(1, "supporters"), "1 supporter");
  assert.equal(formatUnits(5_000, "supporters"), "5,000 supporters");
});

test("tags say how a job ended without the help of their colour", () => {
  const stopped = job({ state: "cancelled", started_at: "2026-11-23T10:00:00Z", progress: { done: 62, total: 100, percent: 62, unit: "rows" } });
  const refused = job({ state: "completed_with_errors", rejected: 12, progress: { done: 50, total: 50, percent: 100, unit: "rows" } });
  assert.equal(endTag(stopped)?.text, "Stopped at 62 %");
  assert.equal(endTag(job({ state: "cancelled" }))?.text, "Stopped before its start");
  assert.equal(endTag(refused)?.text, "Completed, 12 rows refused");
  assert.equal(endTag(job({ state: "running" })), null);
});

test("announcements speak of states, by the name the user gave", () => {
  const done = job({ number: 10481, state: "completed", reference: "November", result: result() });
  assert.equal(announcement(done), "Job 10481, November: completed. Its result is ready to download.");
  const failed = job({ number: 7, state: "failed", failure: { code: "x", reason: "The file is empty." } });
  assert.equal(announcement(failed), "Job 7, User Data Export: failed. The file is empty.");
});

test("a refused request comes with its reason", () => {
  const at = "2026-11-23T10:00:00Z";
  const waits_for = null;
  const reason = "Jobs of this type cannot be stopped; they end by themselves.";
  assert.equal(stepWords({ type: "request_rejected", at, reason, waits_for }), `A request was refused: ${reason}`);
  assert.equal(stepWords({ type: "job_started", at, reason: null, waits_for }), "Started");
  assert.equal(stepWords({ type: "of_tomorrow", at, reason: null, waits_for }), null);
});

test("a job says what it waits for until it goes on or ends", () => {
  const at = "2026-11-23T10:00:00Z";
  assert.equal(waitWords(job({ waits_for: "the mail server" })), "Waits for the mail server");
  assert.equal(waitWords(job({ waits_for: null })), null);
  assert.equal(waitWords(job({ waits_for: "the mail server", state: "failed" })), null);
  assert.equal(stepWords({ type: "job_waiting", at, reason: null, waits_for: "the mail server" }), "Waits for the mail server");
  assert.equal(stepWords({ type: "job_waiting", at, reason: null, waits_for: null }), "Goes on");
});

test("screen readers are not told of a wait: it comes and goes", () => {
  const running = job({ number: 7, state: "running" });
  assert.equal(announcement({ ...running, waits_for: "the mail server" }), announcement(running));
});
