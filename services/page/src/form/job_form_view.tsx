/** A whole form, beside it what it would do. */

import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { formatUnits } from "../model/words.ts";
import { Icon } from "../parts/icons.tsx";
import { CommonFields } from "./common_fields.tsx";
import { ControlView } from "./control_view.tsx";
import type { Control, Part } from "./controls.ts";
import type { JobForm } from "./job_form.ts";
import { isShown } from "./values.ts";

const FOCUSABLE = ":is(input, select, textarea)[aria-invalid]";

/** Takes whoever cannot see it to the first field at fault. */
function focusFault(form: JobForm, element: HTMLElement | null): void {
  const blocks = [...(element?.querySelectorAll<HTMLElement>("[data-place]") ?? [])];
  const block = blocks.find((each) => form.errors.value[each.dataset["place"] ?? ""]);
  const control = block?.querySelector<HTMLElement>(FOCUSABLE) ?? block?.querySelector<HTMLElement>("summary, input, select, textarea, button");
  control?.focus();
}

type Look = "half" | "dense" | "whole";

function lookOf({ half, kind }: Control): Look {
  if (half) return "half";
  return kind === "picker" || kind === "rules" ? "dense" : "whole";
}

/** Neighbours of one look. */
function rowsOf(controls: Control[]): { look: Look; controls: Control[] }[] {
  const rows: { look: Look; controls: Control[] }[] = [];
  for (const control of controls) {
    const look = lookOf(control);
    const last = rows.at(-1);
    if (last && last.look === look && look !== "whole") last.controls.push(control);
    else rows.push({ look, controls: [control] });
  }
  return rows;
}

const CLASSES = { half: "two-columns", dense: "dense", whole: undefined };

function PartView({ form, part, id }: { form: JobForm; part: Part; id: string }): JSX.Element | null {
  const values = form.values.value;
  const shown = part.controls.filter((control) => isShown(control, values));
  if (shown.length === 0) return null;
  const view = (control: Control): JSX.Element => (
    <ControlView key={control.name} form={form} control={control} place={control.place} value={values[control.name]} onChange={(value) => form.change(control, value)} />
  );
  return (
    <section class="card part" aria-labelledby={id}>
      <h2 id={id}>{part.title}</h2>
      {part.help && <p class="soft">{part.help}</p>}
      {rowsOf(shown).map(({ look, controls }) => (look === "whole" ? controls.map(view) : <div key={controls[0]?.name} class={CLASSES[look]}>{controls.map(view)}</div>))}
    </section>
  );
}

function PreviewWords({ form }: { form: JobForm }): JSX.Element {
  const preview = form.preview.value;
  const { counted, nothing } = form.jobType.form;
  switch (preview.state) {
    case "counting":
      return <p class="preview soft">Counting…</p>;
    case "unknown":
      return <p class="preview-note">{preview.reason}</p>;
    case "counted":
      return (
        <>
          {preview.units === 0
            ? <p class="preview-note">{nothing}</p>
            : <p class="preview"><strong>{formatUnits(preview.units, preview.unit)}</strong> {counted}</p>}
          {preview.warning && <p class="preview-note">{preview.warning}</p>}
        </>
      );
  }
}

function Summary({ form }: { form: JobForm }): JSX.Element {
  const { start, note } = form.jobType.form;
  return (
    <aside class="card summary" aria-label="Your job">
      <div class="summary-words" role="status"><PreviewWords form={form} /></div>
      <div role="alert">{form.problem.value && <p class="problem small-problem"><Icon name="alert" size={16} /> {form.problem}</p>}</div>
      <button type="submit" class="button primary wide" aria-disabled={form.sending}>{form.sending.value ? "Starting…" : start}</button>
      {note && <p class="small">{note}</p>}
    </aside>
  );
}

export function JobFormView({ form }: { form: JobForm }): JSX.Element {
  const element = useRef<HTMLFormElement>(null);
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await form.submit())) requestAnimationFrame(() => focusFault(form, element.current));
  };
  return (
    <form class="start" ref={element} noValidate onSubmit={(event) => void send(event)}>
      <div class="start-fields">
        {form.layout.parts.map((part, index) => <PartView key={index} form={form} part={part} id={`part-${index}`} />)}
        <section class="card part" aria-labelledby="part-job">
          <h2 id="part-job">Name and start</h2>
          <CommonFields form={form} />
        </section>
      </div>
      <Summary form={form} />
    </form>
  );
}
