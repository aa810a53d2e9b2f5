/** What each column of the file is: its heading, its first values, and where they go. */

import type { JSX } from "preact";
import type { ColumnMapping, Upload } from "../model/types.ts";
import { formatUnits } from "../model/words.ts";
import { mappingTo, savedMapping, SKIP, targetGroups, targetKey } from "./columns.ts";
import { errorId, faultOf, FieldProblem, type Bound } from "./field.tsx";

type Groups = ReturnType<typeof targetGroups>;

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

interface GoalProps {
  bound: Bound;
  mapping: ColumnMapping[];
  index: number;
  groups: Groups;
}

function Goal({ bound, mapping, index, groups }: GoalProps): JSX.Element | null {
  const { form } = bound;
  const place = `${bound.place}.${index}`;
  const column = mapping[index];
  if (!column) return null;
  const map = (key: string): void => bound.onChange(mapping.map((each, at) => (at === index ? mappingTo(each.header, key) : each)));
  return (
    <>
      <select
        aria-label={`“${column.header}” goes to`} {...faultOf(form, place)} value={targetKey(column)}
        class={column.to === SKIP ? "soft" : undefined} onChange={(event) => map(event.currentTarget.value)}
      >
        <option value={SKIP}>Skip this column</option>
        {groups.map(({ name, targets }) => (
          <optgroup key={name} label={name}>
            {targets.map((target) => <option key={targetKey(target)} value={targetKey(target)}>{target.name}</option>)}
          </optgroup>
        ))}
      </select>
      <FieldProblem form={form} place={place} />
    </>
  );
}

function goalName(mapping: ColumnMapping | undefined, groups: Groups): string {
  if (!mapping || mapping.to === SKIP) return "Skipped";
  const key = targetKey(mapping);
  return groups.flatMap((group) => group.targets).find((target) => targetKey(target) === key)?.name ?? "Gone";
}

function countWords(mapping: ColumnMapping[], counted: string): string {
  const taken = mapping.filter((each) => each.to !== SKIP).length;
  const skipped = mapping.length - taken;
  return `${formatUnits(taken, "columns")} ${counted.replace(/\.$/, "")}${skipped > 0 ? `, ${skipped} skipped` : ""}.`;
}

function Head({ rows }: { rows: number }): JSX.Element {
  return (
    <thead>
      <tr>
        <th scope="col" class="heading">Column</th>
        {rows > 0 && <th scope="colgroup" colSpan={rows}>First rows</th>}
        <th scope="col" class="goal">Goes to</th>
      </tr>
    </thead>
  );
}

/** A saved mapping is shown as it is, and not at all while it does not fit the file. */
export function ColumnsControl(bound: Bound): JSX.Element | null {
  const { form, control, place } = bound;
  const setting = form.setting.value;
  const { upload } = setting;
  const saved = savedMapping(control, form.controls, form.values.value, setting);
  if (!upload || (saved && form.errors.value[control.saved])) return null;
  const groups = targetGroups(control, setting);
  const mapping = saved?.columns ?? (bound.value as ColumnMapping[]);
  return (
    <div class="group" data-place={place}>
      <p class="small columns-count" role="status">{countWords(mapping, form.jobType.form.counted)}</p>
      <table class="columns" aria-label={control.label} aria-describedby={form.errors.value[place] ? errorId(place) : undefined}>
        <Head rows={Math.min(upload.first_rows.length, SHOWN_ROWS)} />
        <tbody>
          {upload.columns.map(({ header }, index) => (
            <tr key={index} data-place={`${place}.${index}`}>
              <th scope="row"><span class="two-lines" title={header}>{header}</span></th>
              <Values upload={upload} index={index} />
              <td class="goal">{saved ? goalName(mapping[index], groups) : <Goal bound={bound} mapping={mapping} index={index} groups={groups} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <FieldProblem form={form} place={place} />
    </div>
  );
}
