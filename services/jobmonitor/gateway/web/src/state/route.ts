/** The address bar: which page is shown, and which job's details lie over it. */

import { computed, signal } from "@preact/signals";

const address = signal(new URL(location.href));

export const path = computed(() => address.value.pathname);
/** The Job# in `?job=`. */
export const shownJob = computed(() => Number(address.value.searchParams.get("job")) || null);

addEventListener("popstate", () => (address.value = new URL(location.href)));

export function navigate(to: string, { replace = false } = {}): void {
  const next = new URL(to, location.href);
  if (next.href === location.href) return;
  history[replace ? "replaceState" : "pushState"](null, "", next);
  const pageChanged = next.pathname !== path.value;
  address.value = next;
  if (pageChanged) scrollTo(0, 0);
}

export function addressOfJob(number: number): string {
  return `${path.value}?job=${number}`;
}
