import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { layOut, type Controls } from "../src/form/controls.ts";
import { faultsOf } from "../src/form/faults.ts";
import { initialValues, parametersOf, valuesOf, type Values } from "../src/form/values.ts";
import type { Schema } from "../src/model/json_schema.ts";
import type { Form } from "../src/model/types.ts";
import { SHAPES } from "../src/parts/icon_shapes.ts";
import { formOf, NOTHING, parametersWith, unlaid } from "./forms.ts";

const ajv = new Ajv2020({ strict: false, formats: { date: true, "date-time": true, uuid: true } });

function kinds(properties: Record<string, Schema>): string[] {
  return unlaid(properties).controls.all.map((control) => control.kind);
}

test("without a layout each parameter has the control its schema suggests", () => {
  const suggested = {
    choice: { enum: ["one", "two"], default: "one" },
    select: { enum: ["a", "b", "c", "d", "e"] },
    switch: { type: "boolean", default: false },
    number: { type: "integer", minimum: 1 },
    text: { type: "string" },
    date: { type: "string", format: "date" },
    datetime: { anyOf: [{ type: "string", format: "date-time" }, { type: "null" }] },
    list: { type: "array", items: { type: "integer" } },
    picker: { type: "array", items: { enum: ["red", "blue"] } },
    rules: { type: "array", items: { type: "object", properties: { from: { type: "string" } } } },
    json: { anyOf: [{ type: "string" }, { type: "integer" }] },
  };
  assert.deepEqual(kinds(suggested), Object.keys(suggested));
  assert.deepEqual(kinds({ maybe: { anyOf: [{ type: "boolean" }, { type: "null" }] } }), ["select"]);
  assert.deepEqual(kinds({ upload: { type: "string", format: "uuid" } }), ["file"]);
});

test("without a layout it is called as in the schema, explained as there, and objects are parts of their own", () => {
  const { parts } = unlaid({
    smallest_length: { type: "integer", description: "Words shorter than `this` are left out." },
    upload: { type: "string", format: "uuid" },
    page_range: { type: "object", properties: { first: { type: "integer" } } },
  });
  assert.deepEqual(parts.map((part) => part.title), ["The file", "Settings", "Page range"]);
  const [control] = parts[1]?.controls ?? [];
  assert.equal(control?.label, "Smallest length");
  assert.equal(control?.help, "Words shorter than “this” are left out.");
});

test("a parameter the layout does not mention is added to it", () => {
  const form = { groups: [{ title: "All", fields: [{ name: "known", label: "Known" }, { name: "gone", label: "Gone" }] }] };
  const { parts } = layOut(form, { properties: { known: { type: "string" }, added: { type: "string" } } });
  assert.deepEqual(parts.map((part) => [part.title, part.controls.map((control) => control.name)]), [["All", ["known"]], ["More settings", ["added"]]]);
});

test("the icons that job types name are there", () => {
  for (const slug of ["user-data-export", "user-data-import"]) assert.ok((formOf(slug).icon ?? "job") in SHAPES, slug);
});

test("an amount of money is a text or a number, as the schema has it", () => {
  const form: Form = { groups: [{ title: "Gift", fields: [{ name: "exact", label: "Exact", widget: "money" }, { name: "about", label: "About", widget: "money" }] }] };
  const { controls } = layOut(form, { properties: { exact: { type: "string", format: "decimal" }, about: { type: "number" } } });
  const values = { exact: " 12.50", about: "12.50" };
  assert.deepEqual(parametersOf(controls, values, NOTHING), { exact: "12.50", about: 12.5 });
  assert.deepEqual(faultsOf(controls, values, NOTHING), {});
  assert.deepEqual(faultsOf(controls, { ...values, exact: "12,50" }, NOTHING), { exact: "Type an amount, as in 12.50." });
});

test("what is typed wrongly is said at its field", () => {
  const layout = unlaid(
    { top: { type: "integer", minimum: 1, maximum: 10 }, name: { type: "string", maxLength: 3 }, pages: { type: "array", items: { type: "integer" } } },
    { required: ["name"] },
  );
  const said = (values: Values): unknown => faultsOf(layout.controls, { ...initialValues(layout.controls, NOTHING), name: "x", ...values }, NOTHING);
  assert.deepEqual(said({}), {});
  assert.deepEqual(said({ top: "ten" }), { top: "Type a number." });
  assert.deepEqual(said({ top: "2.5" }), { top: "Type a whole number." });
  assert.deepEqual(said({ top: "11" }), { top: "10 at most." });
  assert.deepEqual(said({ name: "" }), { name: "Fill this in." });
  assert.deepEqual(said({ name: "abcd" }), { name: "3 characters at most." });
  assert.deepEqual(said({ pages: "1, 2, three" }), { pages: "The 3rd does not fit: Type a number." });
});

test("a pattern is checked, unless only Python understands it", () => {
  const said = (pattern: string): unknown => faultsOf(unlaid({ code: { type: "string", pattern } }).controls, { code: "ab" }, NOTHING);
  assert.deepEqual(said("^[a-z]+$"), {});
  assert.deepEqual(said("^[0-9]+$"), { code: "This does not have the required format." });
  for (const pattern of ["(?i)^[A-Z]+$", String.raw`^[0-9]+\Z`, "^(?P<digits>[0-9]+)$"]) assert.deepEqual(said(pattern), {}, pattern);
});

test("an optional object is whole or not there", () => {
  const range: Schema = { type: "object", properties: { first: { type: "integer" }, last: { type: "integer" } }, required: ["first", "last"] };
  const layout = unlaid({ range });
  assert.deepEqual(parametersWith(layout), {});
  const half = { ...initialValues(layout.controls, NOTHING), "range.first": "1" };
  assert.deepEqual(faultsOf(layout.controls, half, NOTHING), { "range.last": "Fill this in." });
});

const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: "null" }] });
const leaf: fc.Arbitrary<Schema> = fc.oneof(
  fc.record({ type: fc.constant("integer"), minimum: fc.integer({ min: -5, max: 5 }), maximum: fc.integer({ min: 6, max: 20 }) }),
  fc.record({ type: fc.constant("number"), exclusiveMinimum: fc.constant(0) }),
  fc.record({ type: fc.constant("string"), minLength: fc.integer({ min: 0, max: 2 }), maxLength: fc.integer({ min: 3, max: 8 }) }),
  fc.constantFrom<Schema>({ type: "boolean" }, { type: "string", format: "date" }),
  fc.record({ enum: fc.uniqueArray(fc.constantFrom("one", "two", "three", "four", "five", "six"), { minLength: 1 }) }),
);
const anySchema = fc.letrec<{ property: Schema; object: Schema }>((tie) => ({
  property: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    leaf.map(nullable),
    fc.record({ type: fc.constant("array"), items: leaf, maxItems: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ type: fc.constant("array"), items: tie("object") }),
    tie("object"),
  ),
  object: fc
    .dictionary(fc.constantFrom("mode", "page_size", "label", "since", "rules"), tie("property"), { minKeys: 1, maxKeys: 4 })
    .chain((properties) => fc.subarray(Object.keys(properties)).map((required) => ({ type: "object", properties, required, additionalProperties: false }) as Schema)),
})).object;

const typed = fc.oneof(fc.constantFrom("", "1", "7", "2.5", "abc", "2026-11-28", "1, 2", "one, two"), fc.string({ maxLength: 9 }));
const chosen = fc.constantFrom("one", "two", "three", "four", "five", "six", null);

/** Whatever may stand in a form's controls. */
function anyValues({ all }: Controls, initial: Values): fc.Arbitrary<Values> {
  const values = all.map((control): fc.Arbitrary<unknown> => {
    if (control.kind === "switch") return fc.boolean();
    if (control.kind === "choice" || control.kind === "select") return chosen.map((value) => (control.choices.some((each) => each.value === value) ? value : initial[control.name]));
    if (control.kind === "picker") return fc.subarray(control.choices.map(({ value }) => ({ id: value, values: {} })));
    if (control.kind !== "rules") return typed;
    const inner = anyValues(control.fields, initialValues(control.fields, NOTHING));
    return fc.array(inner, { maxLength: 2 }).map((rules) => rules.map((each, key) => ({ key, values: each })));
  });
  return fc.tuple(...values).map((found) => Object.fromEntries(all.map((control, index) => [control.name, found[index]])));
}

/** What is written out, only the gateway can judge. */
function writesOut({ all }: Controls): boolean {
  return all.some((control) => control.kind === "json" || writesOut(control.fields));
}

const filledForms = anySchema
  .map((schema) => ({ schema, controls: layOut({}, schema).controls }))
  .filter(({ controls }) => !writesOut(controls))
  .chain((form) => anyValues(form.controls, initialValues(form.controls, NOTHING)).map((values) => ({ ...form, values })));

test("what a form makes is valid, unless the form says what is wrong", () => {
  let sent = 0;
  fc.assert(
    fc.property(filledForms, ({ schema, controls, values }) => {
      if (Object.keys(faultsOf(controls, values, NOTHING)).length > 0) return;
      const parameters: unknown = JSON.parse(JSON.stringify(parametersOf(controls, values, NOTHING)));
      const valid = ajv.compile(schema);
      assert.ok(valid(parameters), `${JSON.stringify(parameters)}: ${ajv.errorsText(valid.errors)}`);
      sent++;
    }),
    { numRuns: 500 },
  );
  assert.ok(sent > 50, `only ${sent} forms could be sent`);
});

test("a form filled in with the parameters it made makes them again", () => {
  fc.assert(
    fc.property(filledForms, ({ controls, values }) => {
      if (Object.keys(faultsOf(controls, values, NOTHING)).length > 0) return;
      const parameters = parametersOf(controls, values, NOTHING);
      assert.deepEqual(parametersOf(controls, valuesOf(controls, parameters, NOTHING), NOTHING), parameters);
    }),
    { numRuns: 500 },
  );
});
