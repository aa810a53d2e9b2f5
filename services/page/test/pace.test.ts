import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTimeLeft, timeLeft, withSample } from "../src/model/pace.ts";

test("a steady job's range holds its true remaining time", () => {
  const samples = [{ at_ms: 20_000, done: 2_000 }];
  const left = timeLeft({ done: 3_000, total: 10_000 }, 0, samples, 30_000);
  assert.ok(left && left[0] <= 70 && 70 <= left[1], String(left));
});

test("a job that became slower is given a wider range, from its pace of late too", () => {
  const left = timeLeft({ done: 5_000, total: 10_000 }, 0, [{ at_ms: 40_000, done: 4_900 }], 50_000);
  assert.ok(left && left[0] < 50 && left[1] > 500, String(left));
});

test("nothing is said before there is something to judge by, nor at the end", () => {
  assert.equal(timeLeft({ done: 0, total: 100 }, 0, [], 60_000), null);
  assert.equal(timeLeft({ done: 5, total: 100 }, 0, [], 500), null);
  assert.equal(timeLeft({ done: 100, total: 100 }, 0, [], 60_000), null);
});

test("samples older than the recent past, or from before a restart of the count, are forgotten", () => {
  const first = withSample([], { at_ms: 0, done: 10 });
  assert.deepEqual(withSample(first, { at_ms: 60_000, done: 20 }), [{ at_ms: 60_000, done: 20 }]);
  assert.equal(withSample(first, { at_ms: 5_000, done: 20 }).length, 2);
});

test("ranges are told in round steps", () => {
  assert.equal(formatTimeLeft([42, 58]), "40–60 s left");
  assert.equal(formatTimeLeft([4, 9]), "under 10 s left");
  assert.equal(formatTimeLeft([130, 170]), "2–3 min left");
  assert.equal(formatTimeLeft([3_700, 7_100]), "1–2 h left");
});
