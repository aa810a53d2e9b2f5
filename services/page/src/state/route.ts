/** The address bar: which page is shown, and which job's details lie over it. */

import { computed, signal } from "@preact/signals";

const address = signal(new URL(location.href));

export const path = computed(() => address.value.pathname);
/** The Job# in `?job=`. */
export const shownJob = computed(() => Number(address.value.searchParams.get("job")) || null);

/** The job type in `?type=` of the page that starts jobs. */
export const startType = computed(() => address.value.searchParams.get("type"));

type Guard = (to: URL) => boolean;
let guard: Guard = () => true;

/** Has `ask` say whether the page may be left for another address. */
export function guardLeaving(ask: Guard): void {
  guard = ask;
}

addEventListener("popstate", () => {
  const next = new URL(location.href);
  if (guard(next)) address.value = next;
  else history.pushState(null, "", address.value);
});

export function navigate(to: string, { replace = false } = {}): void {
  const next = new URL(to, location.href);
  if (next.href === location.href || !guard(next)) return;
  history[replace ? "replaceState" : "pushState"](null, "", next);
  const pageChanged = next.pathname !== path.value;
  address.value = next;
  if (pageChanged) scrollTo(0, 0);
}

export function addressOfJob(number: number): string {
  return `${path.value}?job=${number}`;
}
