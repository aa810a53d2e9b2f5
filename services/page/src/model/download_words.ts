/** What is said of a download that did not end well. */

import type { DownloadEnd } from "./download_order.ts";

/** Whether the same request may do better in a moment. */
export function mayGoOn(end: DownloadEnd): boolean {
  return end.kind === "broken" || (end.kind === "refused" && [408, 429, 502, 503, 504].includes(end.status));
}

/** Why it ended, and what to do. */
export function downloadFault(end: DownloadEnd): string {
  switch (end.kind) {
    case "broken":
      return "The connection was lost. Please try again; of a large file, what has arrived is kept.";
    case "damaged":
      return "The file arrived damaged and was thrown away. Please try again.";
    case "busy":
      return "Another tab of this browser is downloading it already.";
    case "refused":
      return refusal(end.status, end.detail);
    default:
      return "Please try again.";
  }
}

function refusal(status: number, detail: string | null): string {
  switch (status) {
    case 401:
      return "Your session has ended. Log in again to go on.";
    case 403:
    case 404:
      return detail ?? "There is no such result, or you may no longer see it.";
    case 410:
      return "The result was kept until its expiry and has been removed. Start the job again to get a new one.";
    case 503:
      return "The server is busy or restarting. Please try again in a moment; of a large file, what has arrived is kept.";
    default:
      return detail ?? `The server answered ${status}. Please try again.`;
  }
}
