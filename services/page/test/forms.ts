/** Forms for the tests: those of the built-in job types, and any other from its schema alone. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { layOut, type Layout } from "../src/form/controls.ts";
import { initialValues, parametersOf, type Setting, type Values } from "../src/form/values.ts";
import type { Schema } from "../src/model/json_schema.ts";
import type { Form } from "../src/model/types.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");

export const NOTHING: Setting = { zone: "America/New_York", options: {}, upload: null };

function read<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(ROOT, ...path), "utf8")) as T;
}

export function formOf(slug: string): Form {
  return read<Form>("services", "jobmonitor", "job_types", slug.replaceAll("-", "_"), "form.json");
}

export function builtIn(slug: string): Layout {
  return layOut(formOf(slug), read<Schema>("schemas", "job_types", `${slug}.json`));
}

export function unlaid(properties: Record<string, Schema>, more: Schema = {}): Layout {
  return layOut({}, { type: "object", properties, ...more });
}

/** The parameters of a form in which only this was done. */
export function parametersWith(layout: Layout, values: Values = {}, setting = NOTHING): Record<string, unknown> {
  return parametersOf(layout.controls, { ...initialValues(layout.controls, setting), ...values }, setting);
}
