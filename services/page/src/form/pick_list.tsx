import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { formatCount } from "../model/words.ts";
import { Icon } from "../parts/icons.tsx";
import type { Offer } from "./options.ts";

/** Longer lists get a field to narrow them. */
const SHORT = 8;

interface Props {
  name: string;
  offers: Offer[];
  chosen: unknown[];
  /** What it means that nothing is chosen. */
  none: string;
  onToggle: (value: unknown, on: boolean) => void;
  /** More to say about a choice that is made. */
  detail: (value: unknown) => ComponentChildren;
  /** The id of what says that something is wrong. */
  fault: string | undefined;
}

function summary({ offers, chosen, none }: Props): string {
  const names = offers.filter(({ value }) => chosen.includes(value)).map(({ name }) => name);
  if (names.length === 0) return none;
  return names.length <= 2 ? names.join(", ") : `${names[0]} and ${formatCount(names.length - 1)} more`;
}

function Choices({ props, narrowed }: { props: Props; narrowed: string }): JSX.Element {
  const words = narrowed.trim().toLowerCase();
  const shown = props.offers.filter(({ name }) => name.toLowerCase().includes(words));
  if (shown.length === 0) return <p class="small">No matches.</p>;
  return (
    <ul class="choices">
      {shown.map(({ value, name, note }) => {
        const on = props.chosen.includes(value);
        return (
          <li key={String(value)}>
            <label class="choice">
              <input type="checkbox" checked={on} onChange={(event) => props.onToggle(value, event.currentTarget.checked)} />
              <span class="choice-name">{name}</span>
              {note && <span class="small choice-note">{note}</span>}
            </label>
            {on && props.detail(value)}
          </li>
        );
      })}
    </ul>
  );
}

/** A list to choose any number from, closed until it is wanted. */
export function PickList(props: Props): JSX.Element {
  const narrowed = useSignal("");
  const { name, offers } = props;
  return (
    <details class="pick" aria-describedby={props.fault}>
      <summary>
        <span class="pick-name">{name}</span>
        <span class={props.chosen.length > 0 ? "pick-chosen" : "pick-chosen soft"}>{summary(props)}</span>
        <Icon name="chevron" />
      </summary>
      <div class="pick-inside" role="group" aria-label={name}>
        {offers.length === 0 && <p class="small">The account has none.</p>}
        {offers.length > SHORT && (
          <input
            type="search" aria-label={`Narrow ${name}`} placeholder="Narrow the list" value={narrowed}
            onInput={(event) => (narrowed.value = event.currentTarget.value)}
          />
        )}
        {offers.length > 0 && <Choices props={props} narrowed={narrowed.value} />}
      </div>
    </details>
  );
}
