import { useLayoutEffect, useRef } from "preact/hooks";
import type { RefObject } from "preact";

function linkOf(row: Element | null): HTMLElement | null {
  return row?.querySelector<HTMLElement>("a.number") ?? null;
}

/** A row that leaves gives its focus to a neighbour, so that who works by keyboard does not start at the top again. */
export function useFocusHandover<T extends HTMLElement>(): RefObject<T | null> {
  const row = useRef<T>(null);
  useLayoutEffect(() => {
    const element = row.current;
    return () => {
      if (!element?.contains(document.activeElement)) return;
      const heir = linkOf(element.nextElementSibling) ?? linkOf(element.previousElementSibling);
      (heir ?? document.querySelector<HTMLElement>("main h1"))?.focus({ preventScroll: true });
    };
  }, []);
  return row;
}
