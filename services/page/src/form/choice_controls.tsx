/** Controls to choose one of several values. */

import type { JSX } from "preact";
import { faultOf, FieldProblem, Group, Labelled, type Bound } from "./field.tsx";
import { offersOf } from "./options.ts";

/** All values in sight: as cards where they are explained, else side by side. */
export function ChoiceControl({ form, control, place, value, onChange }: Bound): JSX.Element {
  const explained = control.choices.some(({ help }) => help);
  return (
    <Group form={form} name={control.label} place={place} hint={control.help}>
      <div class={explained ? "cards" : "segments"}>
        {control.choices.map((choice) => (
          <label key={String(choice.value)} class={explained ? "choice-card" : undefined}>
            <input type="radio" name={place} checked={value === choice.value} onChange={() => onChange(choice.value)} />
            <span>{explained ? <><strong>{choice.label}</strong><span class="small">{choice.help}</span></> : choice.label}</span>
          </label>
        ))}
      </div>
    </Group>
  );
}

/** The list alone. Choices are told apart by their place, whatever they are. */
export function SelectInput({ form, control, place, value, onChange, label }: Bound & { label?: string }): JSX.Element {
  const offers = offersOf(control, form.setting.value);
  const chosen = offers.findIndex((offer) => offer.value === value);
  const none = control.none || (control.required && !control.nullable ? "" : "None");
  return (
    <select
      aria-label={label} {...faultOf(form, place)} value={chosen >= 0 ? String(chosen) : ""}
      onChange={(event) => onChange(offers[Number(event.currentTarget.value || -1)]?.value ?? null)}
    >
      {(none || chosen < 0) && <option value="">{none || "Choose…"}</option>}
      {offers.map(({ name }, index) => <option key={index} value={String(index)}>{name}</option>)}
    </select>
  );
}

/** Beneath it stands what the chosen option is about. What cannot be chosen from is not shown, unless it has to be. */
export function SelectControl(bound: Bound): JSX.Element | null {
  const { form, control, place, value } = bound;
  const offers = offersOf(control, form.setting.value);
  if (offers.length === 0 && !control.required) return null;
  const chosen = offers.find((offer) => offer.value === value);
  return (
    <Labelled form={form} name={control.label} place={place} hint={chosen?.note ?? control.help} optional={control.optional}>
      <SelectInput {...bound} />
    </Labelled>
  );
}

export function SwitchControl({ form, control, place, value, onChange }: Bound): JSX.Element {
  const hint = control.help ? `hint-${place.replaceAll(".", "-")}` : undefined;
  return (
    <div class="group" data-place={place}>
      <label class="tick">
        <input type="checkbox" checked={value === true} aria-describedby={hint} onChange={(event) => onChange(event.currentTarget.checked)} />
        <span class="tick-name">{control.label}</span>
      </label>
      {hint && <p class="small hint tick-hint" id={hint}>{control.help}</p>}
      <FieldProblem form={form} place={place} />
    </div>
  );
}
