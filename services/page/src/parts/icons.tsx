/** The page's icons, drawn in the colour of their text. */

import type { JSX } from "preact";
import { jobTypeOf } from "../state/job_types.ts";
import { SHAPES } from "./icon_shapes.ts";

export type IconName = keyof typeof SHAPES;

/** Decoration only: what it means is said in words beside it. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}

/** A name the page does not know, as of a newer job type, or a type it does not know, is the icon of any job. */
function iconOf(type: string): IconName {
  const name = jobTypeOf(type)?.form.icon ?? "";
  return Object.hasOwn(SHAPES, name) ? (name as IconName) : "job";
}

export function TypeIcon({ type }: { type: string }): JSX.Element {
  return (
    <span class="type-icon">
      <Icon name={iconOf(type)} size={18} />
    </span>
  );
}

/** A quarter of a turn of light on a ring: something is on its way. */
export function Ring(): JSX.Element {
  return (
    <svg class="icon ring" width={16} height={16} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <circle class="ring-track" cx="12" cy="12" r="8.5" />
      <path d="M12 3.500a8.5 8.5 0 0 1 8.5 8.5" />
    </svg>
  );
}
