import type { ComponentChildren, JSX } from "preact";
import { Icon } from "../parts/icons.tsx";
import type { Control } from "./controls.ts";
import type { JobForm } from "./job_form.ts";

/** A control of a form, or of one of its rules, with its value. */
export interface Bound {
  form: JobForm;
  control: Control;
  /** Where its errors are shown: in a rule not just its own name. */
  place: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

export function errorId(place: string): string {
  return `error-${place.replaceAll(".", "-")}`;
}

/** What is wrong with a field, beneath it. */
export function FieldProblem({ form, place }: { form: JobForm; place: string }): JSX.Element | null {
  const detail = form.errors.value[place];
  if (!detail) return null;
  return <p class="problem small-problem" id={errorId(place)}><Icon name="alert" size={16} /> {detail}</p>;
}

/** Attributes that tie a control to what is wrong with it. */
export function faultOf(form: JobForm, place: string): { "aria-invalid"?: true; "aria-describedby"?: string } {
  return form.errors.value[place] ? { "aria-invalid": true, "aria-describedby": errorId(place) } : {};
}

/** Behind a label. */
export function Optional(): JSX.Element {
  return <> <span class="soft optional">optional</span></>;
}

interface Props {
  form: JobForm;
  name: string;
  place: string;
  hint?: string | undefined;
  optional?: boolean;
  children: ComponentChildren;
}

/** A group of controls under one name. */
export function Group({ form, name, place, hint, children }: Props): JSX.Element {
  return (
    <fieldset class="group" {...faultOf(form, place)} data-place={place}>
      <legend class="label">{name}</legend>
      {children}
      {hint && <p class="small hint">{hint}</p>}
      <FieldProblem form={form} place={place} />
    </fieldset>
  );
}

/** One control under its name. */
export function Labelled({ form, name, place, hint, optional = false, children }: Props): JSX.Element {
  return (
    <div class="group" data-place={place}>
      <label>
        <span class="label">{name}{optional && <Optional />}</span>
        {children}
      </label>
      {hint && <p class="small hint">{hint}</p>}
      <FieldProblem form={form} place={place} />
    </div>
  );
}
