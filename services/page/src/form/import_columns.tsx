/** What each column of the file is: its heading, its first values, and where they go. */

import type { JSX } from "preact";
import type { ColumnMapping, ImportFormat, ImportOptions, Upload } from "../model/types.ts";
import { formatUnits } from "../model/words.ts";
import { errorId, faultOf, FieldProblem } from "./field.tsx";
import { importForm, mapColumn } from "./import.ts";
import { targetGroups, targetKey, type Target } from "./import_form.ts";
import { errors } from "./sending.ts";

type Groups = { name: string; targets: Target[] }[];

/** Rows of the file that are shown. */
const SHOWN_ROWS = 3;

function Values({ upload, index }: { upload: Upload; index: number }): JSX.Element {
  const rows = upload.first_rows.slice(0, SHOWN_ROWS);
  return (
    <>
      {rows.map((row, at) => (
        <td key={at} class="value">
          <span class="one-line" title={row[index]}>{row[index] || <span class="soft">empty</span>}</span>
        </td>
      ))}
    </>
  );
}

function Goal({ mapping, index, groups }: { mapping: ColumnMapping; index: number; groups: Groups }): JSX.Element {
  const place = `columns.${index}`;
  return (
    <>
      <select
        aria-label={`“${mapping.header}” goes to`} {...faultOf(place)} value={targetKey(mapping)}
        class={mapping.to === "skip" ? "soft" : undefined} onChange={(event) => mapColumn(index, event.currentTarget.value)}
      >
        <option value="skip">Skip this column</option>
        {groups.map(({ name, targets }) => (
          <optgroup key={name} label={name}>
            {targets.map((target) => <option key={target.key} value={target.key}>{target.name}</option>)}
          </optgroup>
        ))}
      </select>
      <FieldProblem place={place} />
    </>
  );
}

function goalName(mapping: ColumnMapping, groups: Groups): string {
  const key = targetKey(mapping);
  return groups.flatMap((group) => group.targets).find((target) => target.key === key)?.name ?? (mapping.to === "skip" ? "Skipped" : "Gone");
}

function countWords(mapping: ColumnMapping[]): string {
  const taken = mapping.filter((each) => each.to !== "skip").length;
  const skipped = mapping.length - taken;
  return `${formatUnits(taken, "columns")} will be imported${skipped > 0 ? `, ${skipped} skipped` : ""}.`;
}

export function Columns({ upload, options, format }: { upload: Upload; options: ImportOptions; format: ImportFormat | undefined }): JSX.Element {
  const groups = targetGroups(options);
  const mapping = format?.columns ?? importForm.value.mapping;
  const rows = Math.min(upload.first_rows.length, SHOWN_ROWS);
  const fault = errors.value["columns"] ? errorId("columns") : undefined;
  return (
    <div class="group" data-place="columns">
      <p class="small columns-count" role="status">{countWords(mapping)}</p>
      <table class="columns" aria-label="Columns of the file" aria-describedby={fault}>
        <thead>
          <tr>
            <th scope="col" class="heading">Column</th>
            {rows > 0 && <th scope="colgroup" colSpan={rows}>First rows</th>}
            <th scope="col" class="goal">Goes to</th>
          </tr>
        </thead>
        <tbody>
          {upload.columns.map(({ header }, index) => {
            const goes = mapping[index];
            return (
              <tr key={index} data-place={`columns.${index}`}>
                <th scope="row"><span class="two-lines" title={header}>{header}</span></th>
                <Values upload={upload} index={index} />
                <td class="goal">{goes && (format ? goalName(goes, groups) : <Goal mapping={goes} index={index} groups={groups} />)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <FieldProblem place="columns" />
    </div>
  );
}
