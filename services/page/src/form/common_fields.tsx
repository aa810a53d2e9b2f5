/** What every job is asked for: its name, and when it starts. */

import type { JSX } from "preact";
import { formatMoment, instantOf, localOf, zoneAbbreviation } from "../model/time.ts";
import { currentTime, now } from "../state/clock.ts";
import { zone } from "../state/session.ts";
import { faultOf, Group, Labelled } from "./field.tsx";
import type { JobForm } from "./job_form.ts";
import { REFERENCE_MAX } from "./reference.ts";

function ReferenceField({ form }: { form: JobForm }): JSX.Element {
  const file = form.transfer.upload.value?.name ?? "";
  const hint = form.jobType.upload ? "Your own name for this job; else the file's is used." : "Your own name for this job, to find it again.";
  return (
    <Labelled form={form} name="Reference name" place="reference" hint={hint} optional>
      <input
        type="text" {...faultOf(form, "reference")} maxLength={REFERENCE_MAX} value={form.reference.value}
        placeholder={file} onInput={(event) => (form.reference.value = event.currentTarget.value)}
      />
    </Labelled>
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

function StartField({ form }: { form: JobForm }): JSX.Element {
  const at = form.startAt.value;
  return (
    <Group form={form} name="Start" place="run_at">
      <div class="segments">
        <label>
          <input type="radio" name="start" checked={at === null} onChange={() => (form.startAt.value = null)} />
          <span>Now</span>
        </label>
        <label>
          <input type="radio" name="start" checked={at !== null} onChange={() => (form.startAt.value = nextHour())} />
          <span>Later</span>
        </label>
      </div>
      {at !== null && (
        <label class="later">
          <span class="unseen">Day and time, {zoneAbbreviation(now.value, zone.value)}</span>
          <input
            type="datetime-local" value={at} {...faultOf(form, "run_at")}
            onInput={(event) => (form.startAt.value = event.currentTarget.value)}
          />
          <span class="small hint">{startWords(at)}</span>
        </label>
      )}
    </Group>
  );
}

export function CommonFields({ form }: { form: JobForm }): JSX.Element {
  return (
    <div class="two-columns">
      <ReferenceField form={form} />
      <StartField form={form} />
    </div>
  );
}
