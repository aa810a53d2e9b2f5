/** Whether there is room for a table; below, each job is a card. */

import { computed, signal } from "@preact/signals";
import { isSuperAdmin } from "./session.ts";

function matches(query: string): { readonly value: boolean } {
  const list = matchMedia(query);
  const found = signal(list.matches);
  list.addEventListener("change", () => (found.value = list.matches));
  return found;
}

const roomForSeven = matches("(min-width: 1140px)");
const roomForEight = matches("(min-width: 1240px)");

export const asTable = computed(() => (isSuperAdmin.value ? roomForEight.value : roomForSeven.value));
export const lessMotion = matches("(prefers-reduced-motion: reduce)");
