/** Whether somebody has a hand on the list: moves the pointer over it, touches it, or works in it by keyboard. */

import { signal } from "@preact/signals";

/** After so long without a movement the hand counts as resting, and the list may move again. */
const REST_MS = 4_000;

export const onList = signal(false);
/** Changes when the pointer or the focus goes from one row to another. */
export const whereabouts = signal(0);

let timer: ReturnType<typeof setTimeout> | undefined;
let at = { x: -1, y: -1 };

function rest(): void {
  clearTimeout(timer);
  onList.value = false;
}

function move(): void {
  clearTimeout(timer);
  onList.value = true;
  timer = setTimeout(rest, REST_MS);
}

function pointerMoved(event: PointerEvent): void {
  // What moves under a resting pointer is no movement of the hand.
  if (event.clientX === at.x && event.clientY === at.y) return;
  at = { x: event.clientX, y: event.clientY };
  move();
}

function wentOn(): void {
  whereabouts.value++;
}

function pointerLeft(event: PointerEvent): void {
  wentOn();
  // A finger leaves whenever it is lifted.
  if (event.pointerType === "mouse") rest();
}

/** Follows the hand over this list. The answer ends that. */
export function followHand(list: HTMLElement): () => void {
  const over = new AbortController();
  const { signal: until } = over;
  list.addEventListener("pointermove", pointerMoved, { signal: until });
  list.addEventListener("pointerdown", move, { signal: until });
  list.addEventListener("keydown", move, { signal: until });
  list.addEventListener("pointerover", wentOn, { signal: until });
  list.addEventListener("focusin", wentOn, { signal: until });
  list.addEventListener("focusout", () => setTimeout(wentOn), { signal: until });
  list.addEventListener("pointerleave", pointerLeft, { signal: until });
  return () => {
    over.abort();
    rest();
  };
}

/** Whether the pointer, or the focus of who works by keyboard, is in the row of this job. */
export function isAtRow(number: number): boolean {
  return document.querySelector(`[data-job="${number}"]:is(:hover, :has(:focus-visible))`) !== null;
}
