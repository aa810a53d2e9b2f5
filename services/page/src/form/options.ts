/** What there is to choose from, in words. */

import { formatDay } from "../model/time.ts";
import { formatCount } from "../model/words.ts";
import type { Control } from "./controls.ts";
import { optionsOf, type Option, type Setting } from "./values.ts";

export interface Offer {
  value: unknown;
  name: string;
  note: string | undefined;
}

const DATE = /^\d{4}-\d\d-\d\d/;

/** The choices of the layout or the schema, else the options of the account. */
export function offersOf(control: Control, setting: Setting): Offer[] {
  if (!control.options) return control.choices.map(({ value, label, help }) => ({ value, name: label, note: help }));
  return optionsOf(control, setting).map((option) => ({ value: option.id, name: option.name, note: noteOf(control, option, setting) }));
}

/** `1,200 members`, `Nov 23, 2026`, `opt-in`: what is said of an option beside its name. */
function noteOf(control: Control, option: Option, { zone }: Setting): string | undefined {
  const note = option[control.note];
  if (typeof note === "number") return `${formatCount(note)} ${control.note.replaceAll("_", " ")}`;
  if (Array.isArray(note)) return note.join(", ");
  if (typeof note !== "string") return undefined;
  return DATE.test(note) ? formatDay(new Date(note), zone) : (control.notes[note] ?? note.replaceAll("_", " "));
}
