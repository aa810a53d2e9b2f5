import assert from "node:assert/strict";
import { test } from "node:test";
import { withRelative } from "../src/model/relatives.ts";
import type { JobDetails } from "../src/model/types.ts";
import { job } from "./jobs.ts";

function details(changes: Partial<JobDetails> = {}): JobDetails {
  return { ...job({ id: "parent", number: 1 }), timeline: [], parent: null, children: [], more_children: false, ...changes };
}

const child = (number: number, changes = {}): ReturnType<typeof job> => job({ id: `child ${number}`, number, parent_job_id: "parent", ...changes });

test("a child that the stream tells of is shown, and then how it goes on", () => {
  const one = withRelative(withRelative(details(), child(3)), child(2));
  assert.deepEqual(one.children.map((each) => [each.number, each.state]), [[2, "running"], [3, "running"]]);
  const ended = withRelative(one, child(3, { state: "completed" }));
  assert.deepEqual(ended.children.map((each) => [each.number, each.state]), [[2, "running"], [3, "completed"]]);
});

test("the parent is shown as it stands", () => {
  const shown = withRelative(details({ id: "child 2", parent_job_id: "above" }), job({ id: "above", number: 9, state: "failed" }));
  assert.deepEqual([shown.parent?.number, shown.parent?.state], [9, "failed"]);
});

test("jobs of others change nothing", () => {
  const before = details();
  assert.equal(withRelative(before, job({ id: "another", number: 5 })), before);
});

test("no more than a hundred children are shown", () => {
  const hundred = Array.from({ length: 101 }, (_, number) => child(number + 2)).reduce(withRelative, details());
  assert.deepEqual([hundred.children.length, hundred.more_children, hundred.children.at(-1)?.number], [100, true, 101]);
  assert.equal(withRelative(hundred, child(500)), hundred);
});
