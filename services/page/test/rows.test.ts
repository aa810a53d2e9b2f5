import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { placeRows, unseen, type Hold, type Row } from "../src/model/rows.ts";
import type { Job } from "../src/model/types.ts";
import { job } from "./jobs.ts";

const jobOf = (id: number): Job => job({ id: String(id), number: id });
const rowsOf = (ids: number[]): Row[] => ids.map((id) => ({ job: jobOf(id), state: "here" }));
const ids = (rows: readonly Row[]): number[] => rows.map((row) => row.job.number);
const hold = (list: boolean, kept: number[] = []): Hold => ({
  list,
  row: (each) => kept.includes(each.number),
  departed: (id) => ({ ...jobOf(Number(id)), view: "history" }),
});
const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 });

test("under a hand no row moves, whatever comes and goes", () => {
  fc.assert(
    fc.property(numbers, numbers, (before, after) => {
      const rows = placeRows(rowsOf(before), after.map(jobOf), hold(true));
      assert.deepEqual(ids(rows).slice(0, before.length), before);
      assert.equal(unseen(rows, after.map(jobOf)), after.length - rows.filter((row) => row.state === "here").length);
    }),
  );
});

test("without a hand the rows are the list, and none is lost or doubled", () => {
  fc.assert(
    fc.property(numbers, numbers, numbers, (before, after, kept) => {
      const rows = placeRows(rowsOf(before), after.map(jobOf), hold(false, kept));
      const here = rows.filter((row) => row.state === "here");
      assert.deepEqual(ids(here), after);
      assert.equal(new Set(ids(rows)).size, rows.length);
      const gone = before.filter((id) => !after.includes(id));
      assert.deepEqual(ids(rows.filter((row) => row.state === "gone")).sort(), gone.filter((id) => kept.includes(id)).sort());
    }),
  );
});

test("the row of a job that left stands where it stood, and shows what became of it", () => {
  const rows = placeRows(rowsOf([3, 2, 1]), [jobOf(3), jobOf(1)], hold(false, [2]));
  assert.deepEqual(ids(rows), [3, 2, 1]);
  assert.equal(rows[1]?.state, "gone");
  assert.equal(rows[1]?.job.view, "history");
  assert.equal(placeRows(rows, [jobOf(3), jobOf(1)], hold(false))[1]?.state, "leaving");
});

test("new jobs below all others come at once, those above wait for the hand", () => {
  const rows = placeRows(rowsOf([5, 4]), [6, 5, 4, 3].map(jobOf), hold(true));
  assert.deepEqual(ids(rows), [5, 4, 3]);
  assert.equal(unseen(rows, [6, 5, 4, 3].map(jobOf)), 1);
});
