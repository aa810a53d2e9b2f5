/** Receives one result in pieces and goes on where an earlier try ended. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { DownloadNews, DownloadOrder } from "../model/download_order.ts";

/**
 * Asked for at a time. The gateway notes each piece that was received whole, so a job counts as downloaded although its
 * file came over several connections; a piece that broke off is asked for again.
 */
export const PIECE_BYTES = 16 * 1024 * 1024;
/** A transfer that delivers nothing for so long has broken. */
const SILENCE_MS = 45_000;
const READ_BYTES = 1024 * 1024;

/** A file as workers have it. TypeScript knows the worker's names only in place of the page's. */
export interface StoredFile {
  getSize(): number;
  truncate(size: number): void;
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

/** The gateway would not; `news` says so. */
export class Refused extends Error {
  readonly news: DownloadNews;
  constructor(news: DownloadNews) {
    super();
    this.news = news;
  }
}

interface Piece {
  start: number;
  /** Exclusive. */
  end: number;
}

type Tell = (news: DownloadNews) => void;

/** Goes on where an earlier try ended. */
export async function receive(order: DownloadOrder, file: StoredFile, tell: Tell, pieceBytes = PIECE_BYTES): Promise<DownloadNews> {
  let received = Math.floor(Math.min(file.getSize(), order.size_bytes) / pieceBytes) * pieceBytes;
  // All of it, and yet no end: an earlier try was stopped in between.
  if (received === order.size_bytes) received = 0;
  file.truncate(received);
  let etag = "";
  do {
    const end = Math.min(received + pieceBytes, order.size_bytes);
    etag = await receivePiece(order, file, { start: received, end }, tell);
    received = end;
  } while (received < order.size_bytes);
  file.flush();
  if (digestOf(file) === etag) return { kind: "done" };
  file.truncate(0);
  return { kind: "damaged" };
}

/** Writes these bytes of the result. Returns its SHA-256, which is its ETag. */
async function receivePiece(order: DownloadOrder, file: StoredFile, { start, end }: Piece, tell: Tell): Promise<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const inPieces = end - start < order.size_bytes;
    const headers: HeadersInit = inPieces ? { range: `bytes=${start}-${end - 1}` } : {};
    const response = await fetch(order.href, { headers, cache: "no-store", credentials: "same-origin", signal: silence.signal });
    if (response.status !== (inPieces ? 206 : 200) || !response.body) throw new Refused(await refusalOf(response));
    const reader = response.body.getReader();
    let at = start;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      file.write(next.value, { at });
      at += next.value.byteLength;
      tell({ kind: "progress", received_bytes: at });
    }
    if (at !== end) throw new Error("It ended early.");
    return (response.headers.get("etag") ?? "").replace(/^(W\/)?"|"$/g, "");
  } finally {
    clearTimeout(timer);
  }
}

async function refusalOf(response: Response): Promise<DownloadNews> {
  let detail: string | null = null;
  try {
    detail = ((await response.json()) as { detail?: string }).detail ?? null;
  } catch {
    // Not from the gateway itself.
  }
  return { kind: "refused", status: response.status, detail };
}

function digestOf(file: StoredFile): string {
  const hash = sha256.create();
  const buffer = new Uint8Array(READ_BYTES);
  for (let at = 0; at < file.getSize(); at += READ_BYTES) hash.update(buffer.subarray(0, file.read(buffer, { at })));
  return bytesToHex(hash.digest());
}
