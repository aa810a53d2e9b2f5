import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_FORM, lacksColumns, parametersOf, placeOf } from "../src/form/export_form.ts";

test("an untouched form asks for everybody, with nothing that was not chosen", () => {
  assert.deepEqual(parametersOf(EMPTY_FORM), { format: "user", file_type: "csv" });
});

test("columns of the hybrid format are forgotten with it", () => {
  const hybrid = { ...EMPTY_FORM, format: "hybrid" as const, hybridPages: [3] };
  assert.deepEqual(parametersOf(hybrid)["hybrid_pages"], [3]);
  assert.equal("hybrid_pages" in parametersOf({ ...hybrid, format: "user" }), false);
  assert.equal(lacksColumns({ ...hybrid, hybridPages: [] }), true);
});

test("an empty answer and an empty choice of broadcasts mean any", () => {
  const form = {
    ...EMPTY_FORM,
    questions: [{ question: 1, value: "" }, { question: 2, value: " Y " }],
    broadcasts: [{ key: 1, event: "opened" as const, broadcasts: [] }],
  };
  assert.deepEqual(parametersOf(form)["query"], {
    questions: [{ question: 1 }, { question: 2, value: "Y" }],
    broadcasts: [{ event: "opened" }],
  });
});

test("errors find the field they speak of", () => {
  assert.equal(placeOf("parameters.query.profiles[0]"), "query.profiles");
  assert.equal(placeOf("parameters.file_type"), "file_type");
  assert.equal(placeOf("run_at"), "run_at");
  assert.equal(placeOf("parameters.format_of_old"), null);
  assert.equal(placeOf(""), null);
});
