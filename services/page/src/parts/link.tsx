import type { ComponentChildren, JSX } from "preact";
import { navigate } from "../state/route.ts";

interface Props {
  to: string;
  class?: string;
  current?: boolean;
  label?: string | undefined;
  children: ComponentChildren;
}

/** A link inside the page; opened in another tab it is an ordinary one. */
export function Link({ to, current = false, label, children, ...rest }: Props): JSX.Element {
  const follow = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to);
  };
  return (
    <a href={to} onClick={follow} aria-current={current ? "page" : undefined} aria-label={label} class={rest.class}>
      {children}
    </a>
  );
}
