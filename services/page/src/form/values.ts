/** What stands in a form's controls, and the parameters it means. */

import { instantOf, localOf } from "../model/time.ts";
import type { ColumnMapping, Shown, Upload } from "../model/types.ts";
import type { Control, Controls } from "./controls.ts";

/** By the control's name. What is typed is a text; what may be chosen and is not, null. */
export type Values = Readonly<Record<string, unknown>>;

/** A choice that is made in a list, with what else was said about it. */
export interface Picked {
  id: unknown;
  values: Values;
}

export interface Rule {
  /** Tells the rules of a list apart. */
  key: number;
  values: Values;
}

/** One of the things a job type offers to choose from. */
export type Option = Readonly<Record<string, unknown>> & { id: unknown; name: string };

/** What a form's meaning rests on beside its values. */
export interface Setting {
  /** Times are typed in it. */
  zone: string;
  /** By the list's name. */
  options: Readonly<Record<string, unknown>>;
  /** The file that the form's file control holds. */
  upload: Upload | null;
}

export function optionsOf(control: Control, { options }: Setting): Option[] {
  return (options[control.options] ?? []) as Option[];
}

export function initialValues(controls: Controls, setting: Setting): Values {
  return Object.fromEntries(controls.all.map((control) => [control.name, valueOf(control, control.initial ?? undefined, setting)]));
}

/** The value of a control that means this parameter. */
export function valueOf(control: Control, parameter: unknown, setting: Setting): unknown {
  switch (control.kind) {
    case "switch":
      return parameter === true;
    case "picker":
      return ((parameter ?? []) as unknown[]).map((each) => pickedOf(control, each, setting));
    case "rules":
      return ((parameter ?? []) as object[]).map((each, key) => ({ key, values: valuesOf(control.fields, each, setting) }));
    case "list":
      return ((parameter ?? []) as unknown[]).join(", ");
    case "columns":
      return parameter ?? [];
    case "choice":
    case "select":
    case "file":
      return parameter ?? null;
    case "datetime":
      return parameter ? localOf(new Date(String(parameter)), setting.zone) : "";
    case "json":
      return parameter === undefined ? "" : JSON.stringify(parameter);
    default:
      return parameter === undefined || parameter === null ? "" : String(parameter);
  }
}

/** The values that mean these parameters; of those that are missing, as if nothing had been chosen. */
export function valuesOf(controls: Controls, parameters: object, setting: Setting): Values {
  return Object.fromEntries(controls.all.map((control) => [control.name, valueOf(control, inside(parameters, control.name.split(".")), setting)]));
}

function inside(parameters: object, names: string[]): unknown {
  return names.reduce<unknown>((object, name) => (object as Record<string, unknown> | undefined)?.[name], parameters);
}

/** A choice that has just been made. */
export function newlyPicked(control: Control, id: unknown, setting: Setting): Picked {
  return { id, values: initialValues({ ...control.fields, all: fieldsOf(control, id, setting) }, setting) };
}

function pickedOf(control: Control, parameter: unknown, setting: Setting): Picked {
  if (control.key === null) return { id: parameter, values: {} };
  const id = (parameter as Record<string, unknown>)[control.key];
  const fields = { ...control.fields, all: fieldsOf(control, id, setting) };
  return { id, values: valuesOf(fields, parameter as object, setting) };
}

export function isFilled(value: unknown): boolean {
  if (typeof value === "string") return value.trim() !== "";
  return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined && value !== false;
}

function applies(shown: Shown | null, values: Values): boolean {
  if (shown === null) return true;
  const value = values[shown.name];
  return shown.values?.length ? shown.values.includes(value) : isFilled(value);
}

/** Whether a control is in sight, among these values. */
export function isShown(control: Control, values: Values): boolean {
  return applies(control.shown, values);
}

/** The fields for a choice that is made; some are for options of one kind only. */
export function fieldsOf(control: Control, id: unknown, setting: Setting): Control[] {
  const option = optionsOf(control, setting).find((each) => each.id === id) ?? {};
  return control.fields.all.filter((field) => field.name !== control.key && applies(field.shown, option));
}

/** What the controls in sight say, and nothing else: what is left out has its default. */
export function parametersOf(controls: Controls, values: Values, setting: Setting): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  const shown = controls.all.filter((control) => isShown(control, values));
  for (const control of shown) {
    const parameter = savedCounts(control, values) ? undefined : parameterOf(control, values[control.name], setting);
    if (parameter !== undefined) put(parameters, control.name, parameter);
  }
  for (const path of controls.objects) if (isMissing(path, parameters)) put(parameters, path, {});
  for (const control of shown.filter(({ required, name }) => required && isMissing(name, parameters))) {
    const nothing = nothingFor(control);
    if (nothing !== undefined) put(parameters, control.name, nothing);
  }
  return parameters;
}

/** What says that nothing is chosen, where something has to be said; undefined: it has to be filled in. */
function nothingFor({ kind, nullable }: Control): unknown {
  if (nullable) return null;
  if (kind === "switch") return false;
  return kind === "picker" || kind === "rules" || kind === "list" || kind === "columns" ? [] : undefined;
}

/** Whether its object is there without it: an object that need not be there has to be whole if it is. */
export function isMissing(path: string, parameters: object): boolean {
  const names = path.split(".");
  const last = names.pop() ?? "";
  const object = inside(parameters, names);
  return object !== undefined && !(last in (object as object));
}

/** A saved mapping of columns is sent by its name alone. */
function savedCounts(control: Control, values: Values): boolean {
  return control.saved !== "" && isFilled(values[control.saved]);
}

function put(parameters: Record<string, unknown>, path: string, parameter: unknown): void {
  const names = path.split(".");
  const last = names.pop() ?? "";
  const object = names.reduce((outer, name) => (outer[name] ??= {}) as Record<string, unknown>, parameters);
  object[last] = parameter;
}

/** undefined: nothing to say, or nothing that can be understood. */
export function parameterOf(control: Control, value: unknown, setting: Setting): unknown {
  switch (control.kind) {
    case "choice":
    case "select":
    case "file":
      return value ?? undefined;
    case "switch":
      return value === (control.schema.default ?? false) ? undefined : value === true;
    case "picker":
      return some((value as Picked[]).map((each) => itemOf(control, each, setting)));
    case "rules":
      return some((value as Rule[]).map((rule) => parametersOf(control.fields, rule.values, setting)));
    case "columns":
      return some(value as ColumnMapping[]);
    case "list":
      return some(listOf(control, value as string));
    default:
      return isFilled(value) ? typedOf(control, String(value).trim(), setting) : undefined;
  }
}

function some(list: unknown[]): unknown[] | undefined {
  return list.length > 0 ? list : undefined;
}

function itemOf(control: Control, picked: Picked, setting: Setting): unknown {
  if (control.key === null) return picked.id;
  const fields = { ...control.fields, all: fieldsOf(control, picked.id, setting).map((field) => ({ ...field, shown: null })) };
  return { [control.key]: picked.id, ...parametersOf(fields, picked.values, setting) };
}

/** Numbers may stand apart by spaces alone; words may have spaces in them. */
export function listOf(control: Control, text: string): unknown[] {
  const words = control.schema.items?.type === "string";
  const parts = text.split(words ? /[,\n]/ : /[\s,;]+/).map((part) => part.trim());
  return parts.filter((part) => part !== "").map((part) => (words ? part : Number(part)));
}

function typedOf(control: Control, text: string, { zone }: Setting): unknown {
  switch (control.kind) {
    case "number":
    case "money":
      return control.schema.type === "string" ? text : Number(text);
    case "datetime": {
      const at = instantOf(text, zone);
      return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
    }
    case "json":
      return parsed(text);
    default:
      return text;
  }
}

/** undefined: it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
