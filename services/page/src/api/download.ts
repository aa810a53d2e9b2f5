/**
 * Downloads the page follows itself: fetched into the browser's private storage (OPFS), which all browsers have, then
 * handed to its downloads as a file. So nothing large is in memory, and the page knows how far it is and what went wrong.
 */

import { FOLDER, type DownloadEnd, type DownloadNews, type DownloadOrder } from "../model/download_order.ts";

/** What a closed page left behind goes after so long. */
const LEFT_BEHIND_MS = 60 * 60_000;
/** The browser copies the file in its own time and does not say when it has. */
const COPIED_MS = 5 * 60_000;

const worker = document.querySelector<HTMLMetaElement>("meta[name='download-worker']")?.content;

/** Fetches what is missing of the file. Returns how that ended; `signal` ends it as broken. */
export function fetchFile(order: DownloadOrder, onProgress: (received_bytes: number) => void, signal: AbortSignal): Promise<DownloadEnd> {
  // Without https there is none; nor in some private windows.
  if (!worker || !navigator.storage?.getDirectory) return Promise.resolve({ kind: "no_storage" });
  const running = new Worker(worker, { type: "module" });
  return new Promise<DownloadEnd>((resolve) => {
    running.onmessage = ({ data }: MessageEvent<DownloadNews>) => (data.kind === "progress" ? onProgress(data.received_bytes) : resolve(data));
    running.onerror = () => resolve({ kind: "no_storage" });
    signal.addEventListener("abort", () => resolve({ kind: "broken" }));
    running.postMessage(order);
  }).finally(() => running.terminate());
}

async function folder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
  } catch {
    return null;
  }
}

/** Gives a fetched file to the browser's downloads under this name. */
export async function saveFile(stored: string, name: string): Promise<void> {
  const file = await (await (await folder())?.getFileHandle(stored))?.getFile();
  if (!file) throw new Error("The file is gone from the browser's storage.");
  const address = URL.createObjectURL(file);
  clickOn(address, name);
  setTimeout(() => {
    URL.revokeObjectURL(address);
    void removeFile(stored);
  }, COPIED_MS);
}

/** Lets the browser itself download from this address; how that goes on, nobody tells the page. */
export function leaveToBrowser(href: string): void {
  clickOn(href, "");
}

function clickOn(href: string, name: string): void {
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
}

export async function removeFile(name: string): Promise<void> {
  try {
    await (await folder())?.removeEntry(name);
  } catch {
    // It is gone, or another tab is at it.
  }
}

/** Removes what pages left behind that were closed on the way. */
export async function removeLeftBehind(): Promise<void> {
  const found = await folder();
  if (!found) return;
  for await (const [name, entry] of found.entries()) {
    const age_ms = entry.kind === "file" ? Date.now() - (await (entry as FileSystemFileHandle).getFile()).lastModified : Infinity;
    if (age_ms >= LEFT_BEHIND_MS) await removeFile(name);
  }
}
