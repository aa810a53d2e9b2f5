/** The page's icons: 24 by 24, one stroke weight, drawn in the colour of their text. */

import type { JSX } from "preact";
import { jobTypeOf } from "../state/job_types.ts";

const SHAPES = {
  download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14",
  upload: "M12 15V4M7.5 8.5 12 4l4.5 4.5M5 19.5h14",
  mail: "M4 6.5h16v11H4zM4.5 7l7.5 6 7.5-6",
  mail_back: "M20 11V6.5H4v11h7M4.5 7l7.5 6 7.5-6M21 17.5h-6.5m2.5-2.5-2.5 2.5 2.5 2.5",
  service_out: "M7 18a4 4 0 0 1-.6-7.95 5.5 5.5 0 0 1 10.7-.9A4.2 4.2 0 0 1 17.5 17.5M12 12v8m-3-3 3 3 3-3",
  service_in: "M7 18a4 4 0 0 1-.6-7.95 5.5 5.5 0 0 1 10.7-.9A4.2 4.2 0 0 1 17.5 17.5M12 20v-8m-3 3 3-3 3 3",
  map: "M12 20.5s6-5.6 6-10.5a6 6 0 1 0-12 0c0 4.9 6 10.5 6 10.500zM12 12.200a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.400z",
  message: "M4 5.500h16v10.500h-9L6.5 20v-4H4zM8 9.500h8M8 12.500h5",
  bin: "M5 7h14M9.5 7V4.500h5V7M6.5 7l1 12.500h9l1-12.500M10.5 10.500v5.500m3-5.500v5.5",
  card_in: "M20 11V6H4v12h7M4 10h16M17 21v-6.500m-2.5 2.5 2.5-2.5 2.5 2.5",
  undo: "M4.5 9.500H14a5 5 0 0 1 0 10H8M8.5 5.500l-4 4 4 4",
  receipt: "M6 4h12v16.500l-2.4-1.7-1.8 1.7-1.8-1.7-1.8 1.7-1.8-1.700L6 20.500zM9.5 8.500h5M9.5 12h5",
  chart: "M4.5 4.500v15h15M9 16v-4m4 4V8m4 8v-6",
  ledger: "M6 4h12.500v16H6zM9.5 8.500h6M9.5 12h6m-6 3.500h3.5",
  calendar: "M4.5 6h15v13.500h-15zM4.5 10h15M8.5 4v4m7-4v4",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 7.500V12l3 2",
  job: "M5 6.500h14M5 12h14M5 17.500h8",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM15.5 15.5 20 20",
  close: "m6.5 6.5 11 11m0-11-11 11",
  check: "m5.5 12.5 4.5 4.5 8.5-9.5",
  alert: "M12 4.5 21 19.500H3zM12 10v4.500m0 2.300v.2",
  offline: "M4.5 9.500a11 11 0 0 1 15 0M7.5 13a6.5 6.5 0 0 1 9 0M12 17v.5M4 4l16 16",
  chevron: "m7 10 5 5 5-5",
  plus: "M12 5.500v13M5.5 12h13",
};

export type IconName = keyof typeof SHAPES;

/** Decoration only: what it means is said in words beside it. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}

/** A name the page does not know, as of a newer job type, is the icon of any job. */
function iconOf(type: string): IconName {
  const name = jobTypeOf(type)?.form.icon ?? "job";
  return name in SHAPES ? (name as IconName) : "job";
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
