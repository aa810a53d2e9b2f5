import type { JSX } from "preact";
import { formatTimeWithSeconds } from "../model/time.ts";
import { now } from "../state/clock.ts";
import { connection, tryNow } from "../state/connection.ts";
import { zone } from "../state/session.ts";
import { Icon } from "../parts/icons.tsx";

/** Beside the title: whether what is seen is what is. */
export function Live(): JSX.Element {
  const { state } = connection.value;
  const words = { live: "Live", connecting: "Connecting…", lost: "Not live", refused: "Not live" }[state];
  return <span class="live" data-state={state}><span class="live-dot" />{words}</span>;
}

function nextTry(retry_at_ms: number | null): string {
  if (retry_at_ms === null) return "Trying again now…";
  const left_s = Math.max(1, Math.ceil((retry_at_ms - now.value.getTime()) / 1000));
  return `Trying again in ${left_s} s.`;
}

export function LostConnection(): JSX.Element | null {
  const current = connection.value;
  if (current.state !== "lost") return null;
  return (
    <div class="banner warning" data-connection="lost">
      <Icon name="offline" />
      <p>
        <strong>The connection is lost.</strong> What you see is as of {formatTimeWithSeconds(current.since, zone.value)};
        your jobs run on. <span class="countdown">{nextTry(current.retry_at_ms)}</span>
      </p>
      <button type="button" class="button quiet" disabled={current.retry_at_ms === null} onClick={tryNow}>Try now</button>
    </div>
  );
}
