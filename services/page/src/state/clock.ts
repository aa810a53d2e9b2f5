/** The present, ticking once a second; corrected when this machine's clock is off. */

import { signal } from "@preact/signals";
import { whenDated } from "../api/http.ts";

const TOLERATED_SKEW_MS = 3_000;

let skew_ms = 0;

/** Learns from a response's `Date` header how far this clock is from the server's. */
function noteServerTime(header: string | null): void {
  const server = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(server)) return;
  const found = server - Date.now();
  skew_ms = Math.abs(found) > TOLERATED_SKEW_MS ? found : 0;
}

whenDated(noteServerTime);

export function currentTime(): Date {
  return new Date(Date.now() + skew_ms);
}

export const now = signal(currentTime());

setInterval(() => {
  if (!document.hidden) now.value = currentTime();
}, 1000);
