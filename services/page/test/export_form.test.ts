import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOf, placeOf } from "../src/form/faults.ts";
import { initialValues } from "../src/form/values.ts";
import { builtIn, NOTHING, parametersWith } from "./forms.ts";

const layout = builtIn("user-data-export");
const picked = (id: number, values = {}) => ({ id, values });

test("an untouched form asks for everybody, with nothing that was not chosen", () => {
  assert.deepEqual(parametersWith(layout), { format: "user", file_type: "csv" });
});

test("columns of the hybrid format are forgotten with it", () => {
  const hybrid = { format: "hybrid", hybrid_pages: [picked(3)] };
  assert.deepEqual(parametersWith(layout, hybrid)["hybrid_pages"], [3]);
  assert.equal("hybrid_pages" in parametersWith(layout, { ...hybrid, format: "user" }), false);
  const without = { ...initialValues(layout.controls, NOTHING), format: "hybrid" };
  assert.deepEqual(faultsOf(layout.controls, without, NOTHING), { hybrid_pages: "Choose at least one page or question as a column." });
  assert.deepEqual(faultsOf(layout.controls, { ...without, hybrid_questions: [picked(1)] }, NOTHING), {});
});

test("an empty answer and an empty choice of broadcasts mean any", () => {
  const options = { questions: [{ id: 1, name: "Shoe size", kind: "question" }, { id: 2, name: "News", kind: "opt_in" }] };
  const values = {
    "query.questions": [picked(1, { value: "" }), picked(2, { value: "Y" })],
    "query.broadcasts": [{ key: 1, values: { event: "opened", broadcasts: [] } }],
  };
  assert.deepEqual(parametersWith(layout, values, { ...NOTHING, options })["query"], {
    questions: [{ question: 1 }, { question: 2, value: "Y" }],
    broadcasts: [{ event: "opened" }],
  });
  const typed = { "query.questions": [picked(1, { value: " 38 " }), picked(2, { value: null })] };
  assert.deepEqual(parametersWith(layout, typed, { ...NOTHING, options })["query"], { questions: [{ question: 1, value: "38" }, { question: 2 }] });
});

test("errors find the field they speak of", () => {
  const { all } = layout.controls;
  assert.equal(placeOf("parameters.query.profiles[0]", all), "query.profiles");
  assert.equal(placeOf("parameters.query.broadcasts[2].event", all), "query.broadcasts.2.event");
  assert.equal(placeOf("parameters.file_type", all), "file_type");
  assert.equal(placeOf("run_at", all), "run_at");
  assert.equal(placeOf("parameters.format_of_old", all), null);
  assert.equal(placeOf("", all), null);
});
