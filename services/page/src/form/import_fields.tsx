/** How the rows are imported. */

import type { JSX } from "preact";
import type { ImportMode, ImportOptions } from "../model/types.ts";
import { faultOf, FieldProblem, Group } from "./field.tsx";
import { changeImport, chooseFormat, importForm, uploaded } from "./import.ts";

const REFERENCE_MAX = 160;
const MODES: [ImportMode, string, string][] = [
  ["add_and_update", "Add and update", "New supporters are added; for known ones the file's values count. Empty cells change nothing."],
  ["only_create", "Only add new", "Supporters you have already stay as they are."],
];

export function FormatField({ options }: { options: ImportOptions }): JSX.Element | null {
  if (options.formats.length === 0) return null;
  return (
    <div class="group" data-place="format_id">
      <label>
        <span class="label">Saved format <span class="soft optional">optional</span></span>
        <select
          {...faultOf("format_id")} value={String(importForm.value.format ?? "")}
          onChange={(event) => chooseFormat(Number(event.currentTarget.value) || null)}
        >
          <option value="">None: as chosen below</option>
          {options.formats.map(({ id, name }) => <option key={id} value={String(id)}>{name}</option>)}
        </select>
      </label>
      <p class="small hint">A saved format says what each column is. The file must have exactly its columns.</p>
      <FieldProblem place="format_id" />
    </div>
  );
}

export function ModeField(): JSX.Element {
  return (
    <Group name="Supporters you have already" place="mode">
      <div class="formats">
        {MODES.map(([value, name, text]) => (
          <label key={value} class="format">
            <input type="radio" name="mode" checked={importForm.value.mode === value} onChange={() => changeImport({ mode: value })} />
            <span><strong>{name}</strong><span class="small">{text}</span></span>
          </label>
        ))}
      </div>
    </Group>
  );
}

export function PageField({ options }: { options: ImportOptions }): JSX.Element {
  return (
    <div class="group" data-place="page">
      <label>
        <span class="label">Took part on a page <span class="soft optional">optional</span></span>
        <select
          {...faultOf("page")} value={String(importForm.value.page ?? "")}
          onChange={(event) => changeImport({ page: Number(event.currentTarget.value) || null })}
        >
          <option value="">No page</option>
          {options.pages.map(({ id, name }) => <option key={id} value={String(id)}>{name}</option>)}
        </select>
      </label>
      <p class="small hint">Everybody in the file gets a participation on it. Live pages only; pages for gifts are not among them.</p>
      <FieldProblem place="page" />
    </div>
  );
}

export function ReferenceField(): JSX.Element {
  return (
    <div class="group" data-place="reference">
      <label>
        <span class="label">Reference name <span class="soft optional">optional</span></span>
        <input
          type="text" {...faultOf("reference")} maxLength={REFERENCE_MAX} value={importForm.value.reference}
          placeholder={uploaded.value?.name ?? ""} onInput={(event) => changeImport({ reference: event.currentTarget.value })}
        />
      </label>
      <p class="small hint">Your own name for this job; else the file's is used.</p>
      <FieldProblem place="reference" />
    </div>
  );
}

export function ResubscribeField(): JSX.Element {
  return (
    <div class="group" data-place="resubscribe">
      <label class="tick">
        <input
          type="checkbox" checked={importForm.value.resubscribe} aria-describedby="resubscribe-hint"
          onChange={(event) => changeImport({ resubscribe: event.currentTarget.checked })}
        />
        <span class="tick-name">Opt people in again who opted out</span>
      </label>
      <p class="small hint tick-hint" id="resubscribe-hint">
        Left empty, a Y in the file does not undo the no of somebody who opted out; the row says so. Tick it only if they have agreed anew:
        mailing people who said no is against the law in many countries.
      </p>
      <FieldProblem place="resubscribe" />
    </div>
  );
}
