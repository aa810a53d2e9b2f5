/** What the page and its download worker tell each other. */

export const FOLDER = "downloads";

export interface DownloadOrder {
  /** In the private storage. */
  name: string;
  href: string;
  size_bytes: number;
}

export type DownloadNews =
  | { kind: "progress"; received_bytes: number }
  | { kind: "done" }
  /** The connection was lost, or the file ended early; what arrived is kept. */
  | { kind: "broken" }
  | { kind: "refused"; status: number; detail: string | null }
  /** It arrived with another checksum, and was thrown away. */
  | { kind: "damaged" }
  /** Another tab is at it. */
  | { kind: "busy" }
  /** There is no private storage, or no room in it. */
  | { kind: "no_storage" };

export type DownloadEnd = Exclude<DownloadNews, { kind: "progress" }>;
