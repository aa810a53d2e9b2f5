/** Which controls a form has: from the schema of the parameters, and the layout that the job type has for them. */

import type { Choice, Field, Form, Needed, Shown } from "../model/types.ts";
import { parametersIn, requiredObjects, resolved, type Definitions, type Parameter, type Schema } from "../model/json_schema.ts";

/** `list`: several numbers or words, typed. `json`: anything, written out. */
export type Kind =
  | "choice" | "select" | "switch" | "text" | "number" | "money" | "date" | "datetime" | "list" | "json" | "picker" | "rules" | "file" | "columns";

export interface Control {
  /** The parameter's path. */
  name: string;
  kind: Kind;
  /** Where in the form its errors are shown. */
  place: string;
  label: string;
  help: string;
  placeholder: string;
  unit: string;
  optional: boolean;
  half: boolean;
  choices: Choice[];
  options: string;
  note: string;
  notes: Record<string, string>;
  none: string;
  initial: unknown;
  shown: Shown | null;
  needed: Needed | null;
  sets: string[];
  saved: string;
  refusal: string;
  item: string;
  /** Of each rule, or of each choice that is made. */
  fields: Controls;
  /** Where what is chosen is an object: its property with the chosen id. */
  key: string | null;
  schema: Schema;
  nullable: boolean;
  required: boolean;
}

export interface Controls {
  all: Control[];
  /** Paths of the objects that have to be in theirs, the outer before the inner. */
  objects: string[];
}

export interface Part {
  title: string;
  help: string;
  controls: Control[];
}

export interface Layout {
  parts: Part[];
  controls: Controls;
}

const FEW = 4;
/** Rules within rules within rules are written out. */
const LEVELS_MAX = 3;
const NO_FIELDS: Controls = { all: [], objects: [] };

/** `smallest_length` as `Smallest length`. */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function layOut(form: Form, whole: Schema): Layout {
  const definitions = whole.$defs ?? {};
  const { schema } = resolved(whole, definitions);
  const parameters = parametersIn(schema, definitions);
  const known = new Map(parameters.map((parameter) => [parameter.path, parameter]));
  const parts = (form.groups ?? []).map(({ title, help, fields }) => ({
    title,
    help: help ?? "",
    controls: (fields ?? []).flatMap((field) => controlOf(known.get(field.name), field, definitions) ?? []),
  }));
  const laidOut = new Set(parts.flatMap((part) => part.controls.map((control) => control.name)));
  const rest = parameters.filter((parameter) => !laidOut.has(parameter.path)).map((parameter) => build(parameter, null, definitions, 1));
  const all = [...parts, ...partsOf(rest, parts.length > 0 ? "More settings" : "Settings")];
  return { parts: all, controls: { all: all.flatMap((part) => part.controls), objects: requiredObjects(schema, definitions) } };
}

/** Controls nobody has laid out: the file first, then the parameters, then one part for each object among them. */
function partsOf(controls: Control[], title: string): Part[] {
  const files = controls.filter(({ kind }) => kind === "file").map(({ schema }) => schema.title ?? "The file");
  const titles = controls.map((control) => {
    if (control.kind === "file") return files[0] ?? "";
    return control.name.includes(".") ? titleOf(control.name.split(".")[0] ?? "") : title;
  });
  const inOrder = [...new Set([...files, title, ...titles])];
  const parts = inOrder.map((each) => ({ title: each, help: "", controls: controls.filter((_, index) => titles[index] === each) }));
  return parts.filter((part) => part.controls.length > 0);
}

/** A field that names no parameter is nothing. */
function controlOf(parameter: Parameter | undefined, field: Field, definitions: Definitions, level = 1): Control | null {
  return parameter ? build(parameter, field, definitions, level) : null;
}

function build(parameter: Parameter, field: Field | null, definitions: Definitions, level: number): Control {
  const { path, schema, nullable, required } = parameter;
  const items = resolved(schema.items ?? {}, definitions).schema;
  const kind = kindOf(parameter, items, field, level);
  const choices = field?.choices ?? choicesOf(schema, items);
  const inner = kind === "rules" || kind === "picker" ? innerOf(items, field, definitions, level) : NO_FIELDS;
  return {
    name: path,
    kind,
    place: kind === "file" ? "file" : path,
    label: field?.label ?? schema.title ?? titleOf(path.split(".").at(-1) ?? ""),
    help: field ? (field.help ?? "") : plain(schema.description ?? ""),
    placeholder: field?.placeholder ?? "",
    unit: field?.unit ?? "",
    optional: field ? (field.optional ?? false) : !required && isNothing(schema.default),
    half: field?.half ?? false,
    choices,
    options: field?.options ?? "",
    note: field?.note ?? "",
    notes: field?.notes ?? {},
    none: field?.none ?? "",
    initial: field?.initial ?? schema.default ?? (kind === "choice" ? choices[0]?.value : null),
    shown: field?.shown ?? null,
    needed: field?.needed ?? null,
    sets: field?.sets ?? [],
    saved: field?.saved ?? "",
    refusal: field?.refusal ?? "",
    item: field?.item ?? "",
    fields: inner,
    key: kind === "picker" && items.properties ? keyOf(items) : null,
    schema: kind === "picker" || kind === "list" ? { ...schema, items } : schema,
    nullable,
    required,
  };
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Backquotes are for programmers. */
function plain(text: string): string {
  return text.replace(/`([^`]*)`/g, "“$1”");
}

function keyOf(items: Schema): string {
  return items.required?.[0] ?? Object.keys(items.properties ?? {})[0] ?? "id";
}

function innerOf(items: Schema, field: Field | null, definitions: Definitions, level: number): Controls {
  const parameters = parametersIn(items, definitions);
  const known = new Map(parameters.map((parameter) => [parameter.path, parameter]));
  const laidOut = field?.fields?.flatMap((each) => controlOf(known.get(each.name), each, definitions, level + 1) ?? []);
  const all = laidOut ?? (field?.options ? [] : parameters.map((parameter) => build(parameter, null, definitions, level + 1)));
  return { all, objects: requiredObjects(items, definitions) };
}

function choicesOf(schema: Schema, items: Schema): Choice[] {
  if (schema.type === "boolean") return [{ value: true, label: "Yes" }, { value: false, label: "No" }];
  return (schema.enum ?? items.enum ?? []).map((value) => ({ value, label: titleOf(String(value)) }));
}

function kindOf(parameter: Parameter, items: Schema, field: Field | null, level: number): Kind {
  const widget = field?.widget ?? suggested(parameter, items, field, level);
  if (widget === "text") return typed(parameter.schema, items);
  return widget === "date" && parameter.schema.format !== "date" ? "datetime" : widget;
}

type Suggestion = NonNullable<Field["widget"]>;

function suggested({ path, schema, nullable }: Parameter, items: Schema, field: Field | null, level: number): Suggestion {
  if (schema.type === "array") return suggestedForList(items, field, level);
  if (field?.choices) return field.choices.length <= FEW ? "choice" : "select";
  if (field?.options) return "select";
  if (schema.enum) return schema.enum.length <= FEW && !nullable ? "choice" : "select";
  if (schema.type === "boolean") return nullable ? "select" : "switch";
  if (schema.type === "integer" || schema.type === "number") return "number";
  if (schema.type !== "string") return "text";
  if (schema.format === "uuid" && path === "upload") return "file";
  return schema.format === "date" || schema.format === "date-time" ? "date" : "text";
}

function suggestedForList(items: Schema, field: Field | null, level: number): Suggestion {
  if (field?.options || field?.choices || items.enum) return "picker";
  return items.properties && level < LEVELS_MAX ? "rules" : "text";
}

/** What is typed, by what is to come of it. */
function typed(schema: Schema, items: Schema): Kind {
  if (schema.type === "string") return "text";
  const words = schema.type === "array" && (items.type === "string" || items.type === "integer" || items.type === "number");
  return words ? "list" : "json";
}
