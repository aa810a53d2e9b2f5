import assert from "node:assert/strict";
import { test } from "node:test";
import { mappingTo, mismatch, targetKey } from "../src/form/columns.ts";
import { faultsOf, placeOf, type Faults } from "../src/form/faults.ts";
import { referenceOf } from "../src/form/reference.ts";
import { fileControl, whyNotSent } from "../src/form/transfer.ts";
import { initialValues, type Setting, type Values } from "../src/form/values.ts";
import type { ColumnMapping, Upload } from "../src/model/types.ts";
import { builtIn, NOTHING, parametersWith } from "./forms.ts";

const layout = builtIn("user-data-import");
const RULE = { endings: ["csv", "xlsx"], media_types: {}, bytes_at_most: 20_971_520 };
const MAPPING: ColumnMapping[] = [{ header: "Email", to: "email" }, { header: "Town", to: "field", id: 7 }, { header: "Shoe", to: "skip" }];

function upload(columns: ColumnMapping[] = MAPPING): Upload {
  return { id: "u", type: "user-data-import", name: "people.csv", kind: "csv", size_bytes: 1, sha256: "", created_at: "", rows: 1, columns, first_rows: [] };
}

function saved(...headers: string[]): ColumnMapping[] {
  return headers.map((header) => ({ header, to: "skip" }));
}

/** With the file there, and two saved formats, of which the first has this mapping. */
function setting(columns: ColumnMapping[]): Setting {
  return { ...NOTHING, options: { formats: [{ id: 1, name: "Weekly", mode: "only_create", columns }] }, upload: upload() };
}

function faults(values: Values, of = setting(MAPPING)): Faults {
  return faultsOf(layout.controls, { ...initialValues(layout.controls, of), upload: "u", columns: MAPPING, ...values }, of);
}

test("only files that may be taken are sent: the last byte allowed is, one more is not", () => {
  const refusal = fileControl(layout.controls.all)?.refusal ?? "";
  const { bytes_at_most } = RULE;
  assert.equal(whyNotSent({ name: "People.CSV", size: bytes_at_most }, RULE, refusal), null);
  assert.match(whyNotSent({ name: "people.csv", size: bytes_at_most + 1 }, RULE, refusal) ?? "", /20,971,521 bytes/);
  assert.match(whyNotSent({ name: "people.xlsx", size: 0 }, RULE, refusal) ?? "", /empty/);
  assert.match(whyNotSent({ name: "people.pdf", size: 5 }, RULE, refusal) ?? "", /CSV file or an Excel/);
  assert.match(whyNotSent({ name: "people.pdf", size: 5 }, RULE, "") ?? "", /people\.pdf does not fit: choose a file that ends in \.csv or \.xlsx/);
});

test("a choice of the list is the mapping it stands for", () => {
  for (const mapping of MAPPING) assert.deepEqual(mappingTo(mapping.header, targetKey(mapping)), mapping);
});

test("two columns never go to one place, and one has to be the e-mail address", () => {
  assert.deepEqual(faults({}), {});
  const twice: ColumnMapping[] = [...MAPPING.slice(0, 2), { header: "City", to: "field", id: 7 }];
  assert.deepEqual(Object.keys(faults({ columns: twice })), ["columns.2"]);
  assert.deepEqual(Object.keys(faults({ columns: MAPPING.slice(1) })), ["columns"]);
  assert.deepEqual(Object.keys(faults({ upload: null })), ["file"]);
});

test("a saved format fits a file with exactly its columns in their order", () => {
  assert.equal(mismatch(upload(), saved("Email", "Town", "Shoe")), null);
  assert.match(mismatch(upload(), saved("Email", "Shoe", "Town")) ?? "", /column 2 is “Town”/);
  assert.match(mismatch(upload(), saved("Email", "Town")) ?? "", /has 3 columns, the format has 2/);
  assert.match(mismatch(upload(), saved("Email", "Town", "Shoe", "More")) ?? "", /has 3 columns, the format has 4/);
  assert.deepEqual(Object.keys(faults({ format_id: 1 }, setting(saved("Email")))), ["format_id"]);
});

test("the parameters say what was chosen and nothing else", () => {
  const form = { upload: "u", columns: MAPPING };
  assert.deepEqual(parametersWith(layout, form), { upload: "u", mode: "add_and_update", columns: MAPPING });
  assert.deepEqual(parametersWith(layout, { ...form, format_id: 1, mode: "only_create", page: 5, resubscribe: true }), {
    upload: "u", mode: "only_create", page: 5, format_id: 1, resubscribe: true,
  });
});

test("a job is called as its owner says, else as the file", () => {
  assert.equal(referenceOf(" Spring ", "people.csv"), "Spring");
  assert.equal(referenceOf("", "people.csv"), "people.csv");
});

test("errors find the field they speak of", () => {
  const { all } = layout.controls;
  assert.equal(placeOf("parameters.columns[12].id", all), "columns.12");
  assert.equal(placeOf("parameters.columns", all), "columns");
  assert.equal(placeOf("parameters.upload", all), "file");
  assert.equal(placeOf("parameters.page", all), "page");
  assert.equal(placeOf("run_at", all), "run_at");
  assert.equal(placeOf("parameters.pages", all), null);
});
