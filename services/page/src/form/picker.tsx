/** A control to choose any number from a list. */

import type { JSX } from "preact";
import { SelectInput } from "./choice_controls.tsx";
import type { Control } from "./controls.ts";
import { errorId, FieldProblem, type Bound } from "./field.tsx";
import { offersOf } from "./options.ts";
import { PickList } from "./pick_list.tsx";
import { TypedInput } from "./typed_controls.tsx";
import { fieldsOf, newlyPicked, type Picked } from "./values.ts";

/** More about a choice that is made, on one line. */
function Detail({ bound, picked, field, onChange }: { bound: Bound; picked: Picked; field: Control; onChange: (picked: Picked) => void }): JSX.Element {
  const inner: Bound = {
    form: bound.form,
    control: field,
    place: `${bound.place}.${String(picked.id)}.${field.name}`,
    value: picked.values[field.name],
    onChange: (value) => onChange({ ...picked, values: { ...picked.values, [field.name]: value } }),
  };
  return (
    <label class="detail">
      <span class="small">{field.label}</span>
      {field.kind === "select" || field.kind === "choice" ? <SelectInput {...inner} /> : <TypedInput {...inner} />}
    </label>
  );
}

export function PickerControl(bound: Bound): JSX.Element {
  const { form, control, place, onChange } = bound;
  const setting = form.setting.value;
  const picked = bound.value as Picked[];
  const toggle = (id: unknown, on: boolean): void => onChange(on ? [...picked, newlyPicked(control, id, setting)] : picked.filter((each) => each.id !== id));
  const update = (changed: Picked): void => onChange(picked.map((each) => (each.id === changed.id ? changed : each)));
  const detail = (id: unknown): JSX.Element[] => {
    const choice = picked.find((each) => each.id === id);
    return choice ? fieldsOf(control, id, setting).map((field, index) => <Detail key={index} bound={bound} picked={choice} field={field} onChange={update} />) : [];
  };
  return (
    <div class="pick-block" data-place={place}>
      <PickList
        name={control.label} none={control.none || "None"} offers={offersOf(control, setting)} chosen={picked.map(({ id }) => id)}
        onToggle={toggle} detail={detail} fault={form.errors.value[place] ? errorId(place) : undefined}
      />
      {control.help && <p class="small hint">{control.help}</p>}
      <FieldProblem form={form} place={place} />
    </div>
  );
}
