/** What cannot be sent as it stands, by the place in the form where that is said. */

import { formatCount } from "../model/words.ts";
import { mappingFaults, mismatch, savedMapping } from "./columns.ts";
import type { Control, Controls } from "./controls.ts";
import type { Schema } from "../model/json_schema.ts";
import { fieldsOf, isFilled, isMissing, isShown, listOf, parameterOf, parametersOf, parsed, type Picked, type Rule, type Setting, type Values } from "./values.ts";

export type Faults = Readonly<Partial<Record<string, string>>>;

export function faultsOf(controls: Controls, values: Values, setting: Setting, prefix = ""): Faults {
  const shown = controls.all.filter((control) => isShown(control, values));
  const faults: Record<string, string> = {};
  for (const control of shown) Object.assign(faults, prefixed(prefix, faultsIn(control, controls.all, values, setting)));
  const parameters = parametersOf(controls, values, setting);
  for (const control of shown) {
    if (control.required && isMissing(control.name, parameters)) faults[prefix + control.place] ??= control.needed?.message ?? missing(control);
  }
  return faults;
}

function prefixed(prefix: string, faults: Faults): Faults {
  return Object.fromEntries(Object.entries(faults).map(([place, fault]) => [prefix + place, fault]));
}

function missing({ kind }: Control): string {
  if (kind === "file") return "Choose a file.";
  return kind === "choice" || kind === "select" ? "Choose one." : "Fill this in.";
}

function faultsIn(control: Control, controls: Control[], values: Values, setting: Setting): Faults {
  const value = values[control.name];
  if (control.kind === "columns") return columnFaults(control, controls, values, setting);
  const { needed } = control;
  if (needed && !needed.any_of.some((name) => isFilled(values[name]))) return { [control.place]: needed.message };
  if (!isFilled(value)) return {};
  if (control.kind === "rules") return ruleFaults(control, value as Rule[], setting);
  const fault = control.kind === "picker" ? pickFault(control, value as Picked[], setting) : typedFault(control, value, setting);
  return fault === null ? {} : { [control.place]: fault };
}

function columnFaults(control: Control, controls: Control[], values: Values, setting: Setting): Faults {
  const saved = savedMapping(control, controls, values, setting);
  if (!saved) return mappingFaults(control, values[control.name] as []);
  const fault = setting.upload && mismatch(setting.upload, saved.columns);
  return fault ? { [control.saved]: fault } : {};
}

function ruleFaults(control: Control, rules: Rule[], setting: Setting): Faults {
  const inner = rules.map((rule, index) => faultsOf(control.fields, rule.values, setting, `${control.place}.${index}.`));
  const count = countFault(control.schema, rules.length);
  return Object.assign(count ? { [control.place]: count } : {}, ...inner) as Faults;
}

function pickFault(control: Control, picked: Picked[], setting: Setting): string | null {
  const inner = picked.flatMap((each) =>
    fieldsOf(control, each.id, setting).map((field) => (isFilled(each.values[field.name]) ? typedFault(field, each.values[field.name], setting) : null)),
  );
  return countFault(control.schema, picked.length) ?? inner.find((fault) => fault !== null) ?? null;
}

function countFault({ minItems = 0, maxItems = Infinity }: Schema, count: number): string | null {
  if (count > maxItems) return `${formatCount(maxItems)} at most.`;
  return count < minItems ? `At least ${formatCount(minItems)}.` : null;
}

function typedFault(control: Control, value: unknown, setting: Setting): string | null {
  const { kind, schema } = control;
  switch (kind) {
    case "number":
    case "money":
      return schema.type === "string" ? amountFault(String(value)) : numberFault(schema, String(value).trim());
    case "text":
      return textFault(schema, String(value).trim());
    case "list":
      return listFault(control, listOf(control, String(value)));
    case "datetime":
      return parameterOf(control, value, setting) === undefined ? "Enter a day and a time." : null;
    case "json":
      return parsed(String(value)) === undefined ? "This is not valid JSON." : null;
    default:
      return null;
  }
}

function amountFault(text: string): string | null {
  return /^-?\d+(\.\d+)?$/.test(text.trim()) ? null : "Type an amount, as in 12.50.";
}

function numberFault(schema: Schema, text: string): string | null {
  const number = Number(text);
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity, multipleOf } = schema;
  if (!Number.isFinite(number)) return "Type a number.";
  if (schema.type === "integer" && !Number.isSafeInteger(number)) return "Type a whole number.";
  if (number < minimum) return `At least ${formatCount(minimum)}.`;
  if (number > maximum) return `${formatCount(maximum)} at most.`;
  if (number <= exclusiveMinimum) return `More than ${formatCount(exclusiveMinimum)}.`;
  if (number >= exclusiveMaximum) return `Less than ${formatCount(exclusiveMaximum)}.`;
  return multipleOf !== undefined && number % multipleOf !== 0 ? `A multiple of ${formatCount(multipleOf)}.` : null;
}

/** A character is a code point, as for the gateway. */
function textFault({ minLength = 0, maxLength = Infinity, pattern }: Schema, text: string): string | null {
  const { length } = [...text];
  if (length > maxLength) return `${formatCount(maxLength)} characters at most.`;
  if (length < minLength) return `At least ${formatCount(minLength)} characters.`;
  return pattern !== undefined && !fits(text, pattern) ? "This does not have the required format." : null;
}

/** A pattern that only Python understands, as `\Z`, is for the gateway to judge. */
function fits(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true;
  }
}

function listFault({ schema }: Control, list: unknown[]): string | null {
  const items = schema.items ?? {};
  const faults = list.map((each) => (items.type === "string" ? textFault(items, String(each)) : numberFault(items, String(each))));
  const at = faults.findIndex((fault) => fault !== null);
  return at >= 0 ? `The ${ordinal(at + 1)} does not fit: ${faults[at]}` : countFault(schema, list.length);
}

const SUFFIXES: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };
const ordinals = new Intl.PluralRules("en-US", { type: "ordinal" });

function ordinal(number: number): string {
  return `${number}${SUFFIXES[ordinals.select(number)] ?? "th"}`;
}

/** Fields every form has, beside its parameters. */
const COMMON = ["reference", "run_at"];

/** The place an error's field belongs to: `parameters.query.profiles[0]` to `query.profiles`; null for none. */
export function placeOf(field: string, controls: Control[]): string | null {
  const name = field.replace(/^parameters\./, "").replace(/\[(\w+)\]/g, ".$1");
  if (COMMON.includes(name)) return name;
  const file = controls.find((control) => control.kind === "file");
  if (file && ["name", "file", file.name].includes(name)) return file.place;
  const control = controls.find((each) => name === each.name || name.startsWith(`${each.name}.`));
  return control ? placeIn(control, name.slice(control.name.length + 1).split(".")) : null;
}

function placeIn(control: Control, [index = "", ...rest]: string[]): string {
  if (!/^\d+$/.test(index)) return control.place;
  if (control.kind === "columns") return `${control.place}.${index}`;
  const field = control.kind === "rules" && control.fields.all.find((each) => each.name === rest[0]);
  return field ? `${control.place}.${index}.${field.name}` : control.place;
}
