/** A list of entries, each with fields of its own. */

import type { JSX } from "preact";
import { Icon } from "../parts/icons.tsx";
import { SelectInput } from "./choice_controls.tsx";
import { ControlView } from "./control_view.tsx";
import type { Control } from "./controls.ts";
import { FieldProblem, Optional, type Bound } from "./field.tsx";
import { initialValues, isShown, type Rule } from "./values.ts";

/** What one is called where the layout has no word for it. */
const ENTRY = "entry";

function article(words: string): string {
  return `${/^[aeiou]/i.test(words) ? "an" : "a"} ${words}`;
}

interface RowProps {
  bound: Bound;
  rule: Rule;
  index: number;
}

function RuleRow({ bound, rule, index }: RowProps): JSX.Element {
  const { form, control, place } = bound;
  const rules = bound.value as Rule[];
  const item = control.item || ENTRY;
  const fieldOf = (field: Control): Bound => ({
    form,
    control: field,
    place: `${place}.${index}.${field.place}`,
    value: rule.values[field.name],
    onChange: (value) => bound.onChange(rules.map((each) => (each.key === rule.key ? { ...each, values: { ...each.values, [field.name]: value } } : each))),
  });
  const [first, ...others] = control.fields.all.filter((field) => isShown(field, rule.values)).map(fieldOf);
  return (
    <li class="rule">
      {first && (first.control.kind === "select" ? <RuleSelect {...first} /> : <ControlView {...first} />)}
      <button type="button" class="icon-button" aria-label={`Remove this ${item}`} onClick={() => bound.onChange(rules.filter((each) => each.key !== rule.key))}>
        <Icon name="close" />
      </button>
      {others.map((field) => <ControlView key={field.control.name} {...field} />)}
    </li>
  );
}

/** What a rule begins with needs no name in sight. */
function RuleSelect(bound: Bound): JSX.Element {
  return (
    <div data-place={bound.place}>
      <SelectInput {...bound} label={bound.control.label} />
      <FieldProblem form={bound.form} place={bound.place} />
    </div>
  );
}

export function RulesControl(bound: Bound): JSX.Element {
  const { form, control, place, onChange } = bound;
  const rules = bound.value as Rule[];
  const add = (): void => {
    const key = Math.max(0, ...rules.map((rule) => rule.key)) + 1;
    onChange([...rules, { key, values: initialValues(control.fields, form.setting.value) }]);
  };
  return (
    <div class="pick-block" data-place={place}>
      {!control.item && <p class="label">{control.label}{control.optional && <Optional />}</p>}
      {rules.length > 0 && (
        <ul class="rules" aria-label={control.label}>
          {rules.map((rule, index) => <RuleRow key={rule.key} bound={bound} rule={rule} index={index} />)}
        </ul>
      )}
      <button type="button" class="button quiet" onClick={add}><Icon name="plus" size={18} /> Add {article(control.item || ENTRY)}</button>
      {control.help && <p class="small hint">{control.help}</p>}
      <FieldProblem form={form} place={place} />
    </div>
  );
}
