import type { JSX } from "preact";
import { announcements, dismiss, toasts } from "../state/notices.ts";
import { Icon } from "../parts/icons.tsx";
import { Link } from "../parts/link.tsx";

/** Seen: toasts. Heard: the same, and changes of state. */
export function Notices(): JSX.Element {
  return (
    <>
      <div class="toasts" role="status">
        {toasts.value.map((toast) => (
          <div key={toast.id} class={`toast ${toast.tone}`}>
            <Icon name={toast.tone === "bad" ? "alert" : "check"} />
            <p>{toast.text} {toast.link && <Link to={toast.link.to}>{toast.link.text}</Link>}</p>
            <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
              <Icon name="close" size={16} />
            </button>
          </div>
        ))}
      </div>
      <div class="unseen" role="log" aria-live="polite" aria-label="Changes of jobs">
        {announcements.value.map((each) => <p key={each.id}>{each.text}</p>)}
      </div>
    </>
  );
}
