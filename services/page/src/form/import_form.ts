/** The choices of the import form, and the parameters they mean. */

import type { ColumnMapping, ImportFormat, ImportMode, ImportOptions, Upload } from "../model/types.ts";
import { formatCount } from "../model/words.ts";

export const FILE_BYTES_MAX = 20_971_520;
const KINDS = /\.(csv|xlsx)$/i;
const REFERENCE_MAX = 160;

export interface ImportForm {
  mapping: ColumnMapping[];
  /** A saved format; null: the mapping of this form. */
  format: number | null;
  mode: ImportMode;
  /** Everybody in the file took part on this page. */
  page: number | null;
  resubscribe: boolean;
  reference: string;
}

export const EMPTY_IMPORT: ImportForm = { mapping: [], format: null, mode: "add_and_update", page: null, resubscribe: false, reference: "" };

/** Why a file is not even sent; null: it may be. */
export function whyNotSent(file: { name: string; size: number }): string | null {
  if (!KINDS.test(file.name)) return `${file.name} is no file to import: choose a CSV file or an Excel workbook (.xlsx).`;
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size > FILE_BYTES_MAX) {
    return `${file.name} is too large: it has ${formatCount(file.size)} bytes, and 20 MB (${formatCount(FILE_BYTES_MAX)} bytes) is the most. Split it into smaller files.`;
  }
  return null;
}

/** `field:3`, `email`, `skip`: what a list of choices calls it. */
export function targetKey(mapping: Pick<ColumnMapping, "to" | "id">): string {
  return mapping.id === undefined || mapping.id === null ? mapping.to : `${mapping.to}:${mapping.id}`;
}

export function mappingTo(header: string, key: string): ColumnMapping {
  const [to, id] = key.split(":") as [ColumnMapping["to"], string | undefined];
  return id === undefined ? { header, to } : { header, to, id: Number(id) };
}

export interface Target {
  key: string;
  name: string;
}

/** What a column can fill, in groups. The e-mail field is the address itself. */
export function targetGroups(options: ImportOptions): { name: string; targets: Target[] }[] {
  const email = options.fields.find((field) => field.tag === "email");
  const of = (to: ColumnMapping["to"], all: { id: number; name: string }[]): Target[] =>
    all.map(({ id, name }) => ({ key: targetKey({ to, id }), name }));
  const groups = [
    {
      name: "Supporter fields",
      targets: [{ key: "email", name: email?.name ?? "E-mail address" }, ...of("field", options.fields.filter((field) => field.tag !== "email"))],
    },
    { name: "Opt-ins (Y or N)", targets: of("question", options.questions.filter((each) => each.kind.startsWith("opt_in"))) },
    { name: "Questions", targets: of("question", options.questions.filter((each) => !each.kind.startsWith("opt_in"))) },
    { name: "Took part in (P)", targets: of("page", options.pages) },
  ];
  return groups.filter((group) => group.targets.length > 0);
}

/** Why this saved format does not fit the file; null where it does. */
export function formatMismatch(upload: Upload, format: ImportFormat): string | null {
  const found = upload.columns.map((column) => column.header);
  const wanted = format.columns.map((column) => column.header);
  const at = wanted.findIndex((header, index) => header !== found[index]);
  if (at >= 0 && at < found.length) return `This file does not fit: its column ${at + 1} is “${found[at]}”, the format's is “${wanted[at]}”.`;
  if (found.length !== wanted.length) return `This file does not fit: it has ${found.length} columns, the format has ${wanted.length}.`;
  return null;
}

/** The places of the form where an error can be shown, from the top; columns are `columns.0` and so on. */
export const IMPORT_PLACES = ["file", "format_id", "columns", "mode", "page", "resubscribe", "reference"] as const;

/** What cannot be sent like this, by place. */
export function importFaults(form: ImportForm, upload: Upload | null, formats: ImportFormat[]): Partial<Record<string, string>> {
  if (!upload) return { file: "Choose the file to import." };
  const format = formats.find((each) => each.id === form.format);
  if (format) {
    const mismatch = formatMismatch(upload, format);
    return mismatch ? { format_id: mismatch } : {};
  }
  const faults: Partial<Record<string, string>> = {};
  const first = new Map<string, string>();
  form.mapping.forEach((mapping, index) => {
    if (mapping.to === "skip") return;
    const key = targetKey(mapping);
    const other = first.get(key);
    if (other !== undefined) faults[`columns.${index}`] = `The column “${other}” goes there already.`;
    else first.set(key, mapping.header);
  });
  if (!first.has("email")) faults["columns"] = "Say which column holds the e-mail address: by it supporters are found.";
  return faults;
}

/** The `parameters` of a `user-data-import`. A saved format brings its own columns. */
export function importParameters(form: ImportForm, upload: Upload): Record<string, unknown> {
  return {
    upload: upload.id,
    mode: form.mode,
    ...(form.page !== null && { page: form.page }),
    ...(form.format !== null ? { format_id: form.format } : { columns: form.mapping }),
    ...(form.resubscribe && { resubscribe: true }),
  };
}

/** The user's own name for the job, else the file's. */
export function referenceOf(form: ImportForm, upload: Upload): string {
  return form.reference.trim() || upload.name.slice(0, REFERENCE_MAX);
}

/** The place an error's field belongs to: `parameters.columns[2].to` to `columns.2`; null for none. */
export function importPlaceOf(field: string): string | null {
  const name = field.replace(/^parameters\./, "");
  const column = /^columns\[(\d+)\]/.exec(name);
  if (column) return `columns.${column[1]}`;
  if (name === "upload" || name === "name") return "file";
  return IMPORT_PLACES.find((place) => place === name) ?? null;
}
