/** What the columns of an uploaded file go to. */

import type { ColumnMapping, Upload } from "../model/types.ts";
import type { Control } from "./controls.ts";
import { optionsOf, type Option, type Setting, type Values } from "./values.ts";

/** Something that a column can fill. */
interface Target {
  to: ColumnMapping["to"];
  id: number | null;
  name: string;
}

/** A mapping of columns that was saved under a name. */
export type SavedMapping = Option & { columns: ColumnMapping[] };

/** Where a column goes that goes nowhere. */
export const SKIP = "skip";

/** `field:3`, `email`, `skip`: what a list of choices calls it. */
export function targetKey(target: { to: string; id?: number | null }): string {
  return target.id === undefined || target.id === null ? target.to : `${target.to}:${target.id}`;
}

export function mappingTo(header: string, key: string): ColumnMapping {
  const [to, id] = key.split(":") as [ColumnMapping["to"], string | undefined];
  return id === undefined ? { header, to } : { header, to, id: Number(id) };
}

/** All that a column can fill, in groups. */
export function targetGroups(control: Control, { options }: Setting): { name: string; targets: Target[] }[] {
  return (options[control.options] ?? []) as { name: string; targets: Target[] }[];
}

/** The saved mapping that is chosen; null for none. */
export function savedMapping(control: Control, controls: Control[], values: Values, setting: Setting): SavedMapping | null {
  const select = controls.find((each) => each.name === control.saved);
  const chosen = select && optionsOf(select, setting).find((option) => option.id === values[select.name]);
  return (chosen as SavedMapping | undefined) ?? null;
}

/** Why this saved mapping does not fit the file; null where it does. */
export function mismatch(upload: Upload, saved: ColumnMapping[]): string | null {
  const found = upload.columns.map((column) => column.header);
  const wanted = saved.map((column) => column.header);
  const at = wanted.findIndex((header, index) => header !== found[index]);
  if (at >= 0 && at < found.length) return `This file does not fit: its column ${at + 1} is “${found[at]}”, the format's is “${wanted[at]}”.`;
  if (found.length !== wanted.length) return `This file does not fit: it has ${found.length} columns, the format has ${wanted.length}.`;
  return null;
}

/** What cannot be mapped like this, by place: two columns to one target, or nothing to one that is needed. */
export function mappingFaults(control: Control, mapping: ColumnMapping[]): Record<string, string> {
  const faults: Record<string, string> = {};
  const first = new Map<string, string>();
  mapping.forEach((each, index) => {
    if (each.to === SKIP) return;
    const other = first.get(targetKey(each));
    if (other !== undefined) faults[`${control.place}.${index}`] = `The column “${other}” goes there already.`;
    else first.set(targetKey(each), each.header);
  });
  const { needed } = control;
  if (needed && !needed.any_of.some((to) => mapping.some((each) => each.to === to))) faults[control.place] = needed.message;
  return faults;
}
