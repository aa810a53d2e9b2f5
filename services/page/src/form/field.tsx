import type { ComponentChildren, JSX } from "preact";
import { Icon } from "../parts/icons.tsx";
import { errors } from "./sending.ts";

export function errorId(place: string): string {
  return `error-${place.replace(".", "-")}`;
}

/** What is wrong with a field, beneath it. */
export function FieldProblem({ place }: { place: string }): JSX.Element | null {
  const detail = errors.value[place];
  if (!detail) return null;
  return <p class="problem small-problem" id={errorId(place)}><Icon name="alert" size={16} /> {detail}</p>;
}

/** Attributes that tie a control to what is wrong with it. */
export function faultOf(place: string): { "aria-invalid"?: true; "aria-describedby"?: string } {
  return errors.value[place] ? { "aria-invalid": true, "aria-describedby": errorId(place) } : {};
}

/** A group of controls under one name. */
export function Group({ name, place, hint, children }: { name: string; place: string; hint?: string; children: ComponentChildren }): JSX.Element {
  return (
    <fieldset class="group" {...faultOf(place)} data-place={place}>
      <legend class="label">{name}</legend>
      {children}
      {hint && <p class="small hint">{hint}</p>}
      <FieldProblem place={place} />
    </fieldset>
  );
}
