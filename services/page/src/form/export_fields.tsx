/** What the file holds, and when it is made. */

import type { JSX } from "preact";
import { formatMoment, instantOf, localOf, zoneAbbreviation } from "../model/time.ts";
import type { ExportOptions } from "../model/types.ts";
import { currentTime, now } from "../state/clock.ts";
import { zone } from "../state/session.ts";
import type { FileType, Format } from "./export_form.ts";
import { faultOf, FieldProblem, Group } from "./field.tsx";
import { pageChoices, questionChoices } from "./filters.tsx";
import { PickList } from "./pick_list.tsx";
import { change, form } from "./start.ts";

const REFERENCE_MAX = 160;
const FORMATS: [Format, string, string][] = [
  ["user", "User", "One row per supporter."],
  ["transaction", "Transaction", "One row for everything a supporter did."],
  ["hybrid", "Hybrid", "One row per supporter, with a column for each page and question you choose."],
];
const FILE_TYPES: [FileType, string][] = [["csv", "CSV"], ["xlsx", "Excel"]];

function FormatChoice(): JSX.Element {
  return (
    <Group name="Format" place="format">
      <div class="formats">
        {FORMATS.map(([value, name, text]) => (
          <label key={value} class="format">
            <input type="radio" name="format" checked={form.value.format === value} onChange={() => change({ format: value })} />
            <span><strong>{name}</strong><span class="small">{text}</span></span>
          </label>
        ))}
      </div>
    </Group>
  );
}

function HybridColumns({ options }: { options: ExportOptions }): JSX.Element | null {
  if (form.value.format !== "hybrid") return null;
  return (
    <div class="filters">
      <PickList
        name="Pages as columns" place="hybrid_pages" none="None" choices={pageChoices(options)} chosen={form.value.hybridPages}
        onChange={(chosen) => change({ hybridPages: chosen })}
      />
      <PickList
        name="Questions as columns" place="hybrid_questions" none="None" choices={questionChoices(options)}
        chosen={form.value.hybridQuestions} onChange={(chosen) => change({ hybridQuestions: chosen })}
      />
    </div>
  );
}

function FileTypeChoice(): JSX.Element {
  return (
    <Group name="File type" place="file_type" hint="An Excel file holds at most 65,535 rows.">
      <div class="segments">
        {FILE_TYPES.map(([value, name]) => (
          <label key={value}>
            <input type="radio" name="file-type" checked={form.value.fileType === value} onChange={() => change({ fileType: value })} />
            <span>{name}</span>
          </label>
        ))}
      </div>
    </Group>
  );
}

function ExportGroupChoice({ options }: { options: ExportOptions }): JSX.Element {
  const group = options.export_groups.find((each) => each.id === form.value.exportGroup);
  return (
    <div class="group" data-place="export_group_id">
      <label>
        <span class="label">Export group</span>
        <select
          {...faultOf("export_group_id")} value={String(form.value.exportGroup ?? "")}
          onChange={(event) => change({ exportGroup: Number(event.currentTarget.value) || null })}
        >
          <option value="">All supporter fields</option>
          {options.export_groups.map(({ id, name }) => <option key={id} value={String(id)}>{name}</option>)}
        </select>
      </label>
      <p class="small hint">{group ? group.fields.join(", ") : "Every field of the account, in its order."}</p>
      <FieldProblem place="export_group_id" />
    </div>
  );
}

export function FileFields({ options }: { options: ExportOptions }): JSX.Element {
  return (
    <>
      <FormatChoice />
      <HybridColumns options={options} />
      <div class="two-columns">
        <FileTypeChoice />
        <ExportGroupChoice options={options} />
      </div>
    </>
  );
}

function ReferenceField(): JSX.Element {
  return (
    <div class="group" data-place="reference">
      <label>
        <span class="label">Reference name <span class="soft optional">optional</span></span>
        <input
          type="text" {...faultOf("reference")} maxLength={REFERENCE_MAX} value={form.value.reference}
          onInput={(event) => change({ reference: event.currentTarget.value })}
        />
      </label>
      <p class="small hint">Your own name for this job, to find it again.</p>
      <FieldProblem place="reference" />
    </div>
  );
}

/** The next full hour, as the date field writes it. */
function nextHour(): string {
  const hour_ms = 3_600_000;
  return localOf(new Date(Math.ceil((currentTime().getTime() + 60_000) / hour_ms) * hour_ms), zone.value);
}

function startWords(local: string): string {
  const at = instantOf(local, zone.value);
  return Number.isNaN(at.getTime()) ? "" : `Starts ${formatMoment(at, zone.value, now.value)}.`;
}

function StartField(): JSX.Element {
  const at = form.value.startAt;
  return (
    <Group name="Start" place="run_at">
      <div class="segments">
        <label>
          <input type="radio" name="start" checked={at === null} onChange={() => change({ startAt: null })} />
          <span>Now</span>
        </label>
        <label>
          <input type="radio" name="start" checked={at !== null} onChange={() => change({ startAt: nextHour() })} />
          <span>Later</span>
        </label>
      </div>
      {at !== null && (
        <label class="later">
          <span class="unseen">Day and time, {zoneAbbreviation(now.value, zone.value)}</span>
          <input
            type="datetime-local" value={at} {...faultOf("run_at")}
            onInput={(event) => change({ startAt: event.currentTarget.value })}
          />
          <span class="small hint">{startWords(at)}</span>
        </label>
      )}
    </Group>
  );
}

export function JobFields(): JSX.Element {
  return (
    <div class="two-columns">
      <ReferenceField />
      <StartField />
    </div>
  );
}
