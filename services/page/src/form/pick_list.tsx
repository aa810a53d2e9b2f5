import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { formatCount } from "../model/words.ts";
import { Icon } from "../parts/icons.tsx";
import { errorId, FieldProblem } from "./field.tsx";
import type { Place } from "./export_form.ts";
import { errors } from "./sending.ts";

/** Longer lists get a field to narrow them. */
const SHORT = 8;

export interface Choice {
  id: number;
  name: string;
  note?: string | undefined;
}

interface Props {
  name: string;
  choices: Choice[];
  chosen: number[];
  /** What it means that nothing is chosen. */
  none: string;
  place?: Place;
  onChange: (chosen: number[]) => void;
  /** More to say about a choice that is made. */
  detail?: (id: number) => ComponentChildren;
}

function summary(props: Props): string {
  const names = props.choices.filter((choice) => props.chosen.includes(choice.id)).map((choice) => choice.name);
  if (names.length === 0) return props.none;
  return names.length <= 2 ? names.join(", ") : `${names[0]} and ${formatCount(names.length - 1)} more`;
}

function Choices({ props, narrowed }: { props: Props; narrowed: string }): JSX.Element {
  const words = narrowed.trim().toLowerCase();
  const shown = props.choices.filter((choice) => choice.name.toLowerCase().includes(words));
  const toggle = (id: number, on: boolean): void => props.onChange(on ? [...props.chosen, id] : props.chosen.filter((each) => each !== id));
  if (shown.length === 0) return <p class="small">No matches.</p>;
  return (
    <ul class="choices">
      {shown.map((choice) => {
        const on = props.chosen.includes(choice.id);
        return (
          <li key={choice.id}>
            <label class="choice">
              <input type="checkbox" checked={on} onChange={(event) => toggle(choice.id, event.currentTarget.checked)} />
              <span class="choice-name">{choice.name}</span>
              {choice.note && <span class="small choice-note">{choice.note}</span>}
            </label>
            {on && props.detail?.(choice.id)}
          </li>
        );
      })}
    </ul>
  );
}

/** A list to choose any number from, closed until it is wanted. */
export function PickList(props: Props): JSX.Element {
  const narrowed = useSignal("");
  const fault = props.place && errors.value[props.place] ? errorId(props.place) : undefined;
  return (
    <div class="pick-block" data-place={props.place}>
      <details class="pick" aria-describedby={fault}>
        <summary>
          <span class="pick-name">{props.name}</span>
          <span class={props.chosen.length > 0 ? "pick-chosen" : "pick-chosen soft"}>{summary(props)}</span>
          <Icon name="chevron" />
        </summary>
        <div class="pick-inside" role="group" aria-label={props.name}>
          {props.choices.length === 0 && <p class="small">The account has none.</p>}
          {props.choices.length > SHORT && (
            <input
              type="search" aria-label={`Narrow ${props.name}`} placeholder="Narrow the list" value={narrowed}
              onInput={(event) => (narrowed.value = event.currentTarget.value)}
            />
          )}
          {props.choices.length > 0 && <Choices props={props} narrowed={narrowed.value} />}
        </div>
      </details>
      {props.place && <FieldProblem place={props.place} />}
    </div>
  );
}
