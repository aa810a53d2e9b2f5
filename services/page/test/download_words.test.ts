import assert from "node:assert/strict";
import { test } from "node:test";
import { downloadFault, mayGoOn } from "../src/model/download_words.ts";

const refused = (status: number, detail: string | null = null) => ({ kind: "refused" as const, status, detail });

test("only what may do better in a moment is tried again", () => {
  assert.deepEqual([502, 503, 429, 401, 404, 410, 500].map((status) => mayGoOn(refused(status))), [true, true, true, false, false, false, false]);
  assert.equal(mayGoOn({ kind: "broken" }), true);
  assert.equal(mayGoOn({ kind: "damaged" }), false);
});

test("each end has words of its own", () => {
  const ends = [{ kind: "broken" as const }, { kind: "damaged" as const }, { kind: "busy" as const }, ...[401, 404, 410, 503, 500].map((status) => refused(status))];
  assert.equal(new Set(ends.map(downloadFault)).size, ends.length);
  assert.equal(downloadFault(refused(404, "This job left no result.")), "This job left no result.");
});
