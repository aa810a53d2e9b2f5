/** Controls to type into. */

import type { JSX } from "preact";
import type { Control, Kind } from "./controls.ts";
import { faultOf, Labelled, type Bound } from "./field.tsx";

/** The field alone. */
export function TypedInput({ form, control, place, value, onChange }: Bound): JSX.Element {
  const { kind, schema, placeholder } = control;
  const common = {
    ...faultOf(form, place),
    value: String(value ?? ""),
    onInput: (event: { currentTarget: { value: string } }): void => onChange(event.currentTarget.value),
  };
  if (kind === "json") return <textarea {...common} placeholder={placeholder} rows={3} spellcheck={false} />;
  if (kind === "date") return <input {...common} type="date" />;
  if (kind === "datetime") return <input {...common} type="datetime-local" />;
  return <input {...common} type="text" placeholder={placeholder} maxLength={kind === "text" ? schema.maxLength : undefined} inputMode={keyboardFor(control)} />;
}

/** Of a telephone. */
function keyboardFor({ kind, schema }: Control): "numeric" | "decimal" | undefined {
  if (kind !== "number" && kind !== "money") return undefined;
  return schema.type === "integer" ? "numeric" : "decimal";
}

const HINTS: Partial<Record<Kind, string>> = { list: "Several are separated by commas.", json: "Written as JSON." };

export function TypedControl(bound: Bound): JSX.Element {
  const { form, control, place } = bound;
  const hint = [control.help, HINTS[control.kind]].filter((words) => words).join(" ");
  return (
    <Labelled form={form} name={control.label} place={place} hint={hint} optional={control.optional}>
      {control.unit ? <span class="measured"><TypedInput {...bound} /><span class="soft">{control.unit}</span></span> : <TypedInput {...bound} />}
    </Labelled>
  );
}
