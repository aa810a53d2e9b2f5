import assert from "node:assert/strict";
import { test } from "node:test";
import {
  EMPTY_IMPORT, FILE_BYTES_MAX, formatMismatch, importFaults, importParameters, importPlaceOf, mappingTo, referenceOf, targetGroups, targetKey, whyNotSent,
} from "../src/form/import_form.ts";
import type { ColumnMapping, ImportFormat, Upload } from "../src/model/types.ts";

const MAPPING: ColumnMapping[] = [{ header: "Email", to: "email" }, { header: "Town", to: "field", id: 7 }, { header: "Shoe", to: "skip" }];

function upload(columns: ColumnMapping[] = MAPPING): Upload {
  return { id: "u", name: "people.csv", kind: "csv", size_bytes: 1, sha256: "", rows: 1, columns, first_rows: [] };
}

function saved(...headers: string[]): ImportFormat {
  return { id: 1, name: "Weekly", mode: "only_create", columns: headers.map((header) => ({ header, to: "skip" })) };
}

test("only files that may be taken are sent: the last byte allowed is, one more is not", () => {
  assert.equal(whyNotSent({ name: "People.CSV", size: FILE_BYTES_MAX }), null);
  assert.match(whyNotSent({ name: "people.csv", size: FILE_BYTES_MAX + 1 }) ?? "", /20,971,521 bytes/);
  assert.match(whyNotSent({ name: "people.xlsx", size: 0 }) ?? "", /empty/);
  assert.match(whyNotSent({ name: "people.pdf", size: 5 }) ?? "", /CSV file or an Excel/);
});

test("a choice of the list is the mapping it stands for", () => {
  for (const mapping of MAPPING) assert.deepEqual(mappingTo(mapping.header, targetKey(mapping)), mapping);
});

test("the e-mail field is offered once, as the address; groups without anything are not shown", () => {
  const options = {
    fields: [{ id: 1, name: "Mail", tag: "email" }, { id: 7, name: "Town", tag: null }],
    questions: [{ id: 2, name: "News", kind: "opt_in_confirm" }],
    pages: [],
    formats: [],
  };
  assert.deepEqual(targetGroups(options), [
    { name: "Supporter fields", targets: [{ key: "email", name: "Mail" }, { key: "field:7", name: "Town" }] },
    { name: "Opt-ins (Y or N)", targets: [{ key: "question:2", name: "News" }] },
  ]);
});

test("two columns never go to one place, and one has to be the e-mail address", () => {
  const form = { ...EMPTY_IMPORT, mapping: MAPPING };
  assert.deepEqual(importFaults(form, upload(), []), {});
  const twice: ColumnMapping[] = [...MAPPING.slice(0, 2), { header: "City", to: "field", id: 7 }];
  assert.deepEqual(Object.keys(importFaults({ ...form, mapping: twice }, upload(), [])), ["columns.2"]);
  assert.deepEqual(Object.keys(importFaults({ ...form, mapping: MAPPING.slice(1) }, upload(), [])), ["columns"]);
  assert.deepEqual(Object.keys(importFaults(form, null, [])), ["file"]);
});

test("a saved format fits a file with exactly its columns in their order", () => {
  assert.equal(formatMismatch(upload(), saved("Email", "Town", "Shoe")), null);
  assert.match(formatMismatch(upload(), saved("Email", "Shoe", "Town")) ?? "", /column 2 is “Town”/);
  assert.match(formatMismatch(upload(), saved("Email", "Town")) ?? "", /has 3 columns, the format has 2/);
  assert.match(formatMismatch(upload(), saved("Email", "Town", "Shoe", "More")) ?? "", /has 3 columns, the format has 4/);
  const faults = importFaults({ ...EMPTY_IMPORT, format: 1 }, upload(), [saved("Email")]);
  assert.deepEqual(Object.keys(faults), ["format_id"]);
});

test("the parameters say what was chosen and nothing else", () => {
  const form = { ...EMPTY_IMPORT, mapping: MAPPING };
  assert.deepEqual(importParameters(form, upload()), { upload: "u", mode: "add_and_update", columns: MAPPING });
  assert.deepEqual(importParameters({ ...form, format: 1, mode: "only_create", page: 5, resubscribe: true }, upload()), {
    upload: "u", mode: "only_create", page: 5, format_id: 1, resubscribe: true,
  });
});

test("a job is called as its owner says, else as the file", () => {
  assert.equal(referenceOf({ ...EMPTY_IMPORT, reference: " Spring " }, upload()), "Spring");
  assert.equal(referenceOf(EMPTY_IMPORT, upload()), "people.csv");
});

test("errors find the field they speak of", () => {
  assert.equal(importPlaceOf("parameters.columns[12].id"), "columns.12");
  assert.equal(importPlaceOf("parameters.columns"), "columns");
  assert.equal(importPlaceOf("parameters.upload"), "file");
  assert.equal(importPlaceOf("parameters.page"), "page");
  assert.equal(importPlaceOf("run_at"), null);
});
