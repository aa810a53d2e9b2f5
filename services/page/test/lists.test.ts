import assert from "node:assert/strict";
import { test } from "node:test";
import { belongs, bucketOf, byStart, countsAlike, newerOf } from "../src/model/lists.ts";
import { formatCounted } from "../src/model/words.ts";
import { job, result } from "./jobs.ts";

test("newest first by start, a scheduled job by its planned start", () => {
  const started = job({ number: 1, started_at: "2026-11-23T10:00:00Z" });
  const scheduled = job({ number: 2, state: "scheduled", scheduled_for: "2026-12-01T10:00:00Z" });
  const queued = job({ number: 3, state: "queued", submitted_at: "2026-11-23T11:00:00Z" });
  const order = [started, queued, scheduled].sort(byStart).map((each) => each.number);
  assert.deepEqual(order, [2, 3, 1]);
});

test("each job counts under the chip its state belongs to", () => {
  assert.equal(bucketOf(job({ state: "stopping" })), "running");
  assert.equal(bucketOf(job({ state: "scheduled" })), "scheduled");
  assert.equal(bucketOf(job({ state: "failed", result: result({ kind: "report" }) })), "ready");
  assert.equal(bucketOf(job({ state: "cancelled" })), null);
  assert.equal(bucketOf(job({ state: "completed", result: result({ expired: true }) })), null);
});

test("a job of the history belongs to no filter of the monitor", () => {
  const gone = job({ state: "completed", view: "history", result: result() });
  assert.equal(belongs(gone, "monitor", "all"), false);
  assert.equal(belongs(gone, "history", "all"), true);
});

test("an older version never replaces a newer one", () => {
  const older = job({ sequence: 4 });
  const newer = job({ sequence: 5 });
  assert.equal(newerOf(older, newer), newer);
  assert.equal(newerOf(newer, older), newer);
});

test("progress counts alike, a new state or the history does not", () => {
  const running = job({ state: "running" });
  const ready = job({ state: "completed", result: result() });
  assert.equal(countsAlike(running, job({ state: "running", progress: { done: 5, total: 9, percent: 55, unit: null } })), true);
  assert.equal(countsAlike(job({ state: "queued" }), running), true);
  assert.equal(countsAlike(running, ready), false);
  assert.equal(countsAlike(ready, { ...ready, view: "history" }), false);
});

test("counting ends at a thousand", () => {
  assert.equal(formatCounted(1000), "1,000+");
  assert.equal(formatCounted(999), "999");
});
