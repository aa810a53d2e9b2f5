/**
 * Keeps a click from taking what slid under the pointer: rows do not move while a hand is on the list, and where they
 * moved all the same (a banner came, the hand had rested), their downloads and stops take no click for a while.
 */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { followHand } from "../state/hand.ts";
import { announce, toast } from "../state/notices.ts";

const MOVED_MS = 2_000;
/** After the user's own choice of other rows: as long as a double click. */
const CHOSEN_MS = 400;
/** Rounding, and borders. */
const TOLERANCE_PX = 4;
const GUARDED = "a.download, button.stop";
const WORDS = "The list has just moved, so nothing was chosen. Please choose again.";

/** When each row may be clicked, by where it was last seen in the page. */
class Places {
  private places = new Map<string, DOMPoint>();
  private edition: number | null = null;
  private readonly steadyAt = new Map<string, number>();
  private latest = 0;

  /** Looks where the rows are now. Those of another edition of the list are all others. */
  look(list: HTMLElement, edition: number): void {
    const before = edition === this.edition ? this.places : new Map<string, DOMPoint>();
    const chosen_ms = this.edition === null ? 0 : CHOSEN_MS;
    const lowest = Math.max(...[...before.values()].map((place) => place.y));
    this.edition = edition;
    this.places = new Map();
    for (const row of list.querySelectorAll<HTMLElement>("[data-job]")) {
      const id = row.dataset["job"] ?? "";
      const place = placeOf(row);
      this.places.set(id, place);
      const was = before.get(id);
      const moved = was === undefined ? place.y <= lowest : isElsewhere(place, was);
      if (moved || before.size === 0) this.guard(list, id, moved ? MOVED_MS : chosen_ms);
    }
  }

  private guard(list: HTMLElement, id: string, duration_ms: number): void {
    const until = performance.now() + duration_ms;
    this.steadyAt.set(id, until);
    if (duration_ms === 0 || until <= this.latest) return;
    this.latest = until;
    // The pointer's shape says it as well.
    list.dataset["moved"] = "";
    setTimeout(() => this.latest === until && delete list.dataset["moved"], duration_ms);
  }

  wait_ms(id: string): number {
    return (this.steadyAt.get(id) ?? 0) - performance.now();
  }
}

/** In the page, so that scrolling moves nothing. */
function placeOf(row: HTMLElement): DOMPoint {
  const { left, top } = row.getBoundingClientRect();
  return new DOMPoint(left + scrollX, top + scrollY);
}

function isElsewhere(place: DOMPoint, was: DOMPoint): boolean {
  return Math.hypot(place.x - was.x, place.y - was.y) > TOLERANCE_PX;
}

/** For the element that holds the rows. `order` changes with the order of the rows, `edition` when they are others. */
export function useSteadiness<T extends HTMLElement>(order: string, edition: number): RefObject<T | null> {
  const list = useRef<T>(null);
  const places = useRef(new Places()).current;
  const current = useRef(edition);
  current.current = edition;
  useLayoutEffect(() => {
    if (list.current) places.look(list.current, edition);
  }, [order, edition]);
  useEffect(() => {
    const element = list.current;
    return element ? watchOver(element, places, () => current.current) : undefined;
  }, []);
  return list;
}

function watchOver(list: HTMLElement, places: Places, edition: () => number): () => void {
  const leaveHand = followHand(list);
  const sizes = new ResizeObserver(() => places.look(list, edition()));
  for (const each of [list, list.closest("main")]) if (each) sizes.observe(each);
  const guard = (event: MouseEvent): void => refuseIfMoved(event, places);
  list.addEventListener("click", guard, { capture: true });
  return () => {
    leaveHand();
    sizes.disconnect();
    list.removeEventListener("click", guard, { capture: true });
  };
}

function refuseIfMoved(event: MouseEvent, places: Places): void {
  const control = (event.target as Element).closest(GUARDED);
  const id = control?.closest<HTMLElement>("[data-job]")?.dataset["job"];
  // A key acts on what has the focus, which goes along with its row.
  const byKey = event.detail === 0;
  if (id === undefined || byKey || places.wait_ms(id) <= 0) return;
  event.preventDefault();
  event.stopPropagation();
  announce(WORDS);
  toast(WORDS, { once: true });
}
