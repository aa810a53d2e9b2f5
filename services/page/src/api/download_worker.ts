/**
 * Fetches one result into the browser's private storage. In a worker, as only there all browsers write such files; the
 * page stays free, and memory holds no more than what the network just delivered.
 */

import { FOLDER, type DownloadNews, type DownloadOrder } from "../model/download_order.ts";
import { receive, Refused, type StoredFile } from "./receive.ts";

const scope = self as unknown as { postMessage: (news: DownloadNews) => void; onmessage: ((event: MessageEvent<DownloadOrder>) => void) | null };

scope.onmessage = ({ data }) => void run(data).then((news) => scope.postMessage(news));

async function run(order: DownloadOrder): Promise<DownloadNews> {
  let file: StoredFile;
  try {
    file = await opened(order.name);
  } catch (error) {
    return (error as Error).name === "NoModificationAllowedError" ? { kind: "busy" } : { kind: "no_storage" };
  }
  try {
    return await receive(order, file, (news) => scope.postMessage(news));
  } catch (error) {
    if (error instanceof Refused) return error.news;
    return (error as Error).name === "QuotaExceededError" ? { kind: "no_storage" } : { kind: "broken" };
  } finally {
    file.close();
  }
}

async function opened(name: string): Promise<StoredFile> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const handle = (await folder.getFileHandle(name, { create: true })) as unknown as { createSyncAccessHandle(): Promise<StoredFile> };
  return handle.createSyncAccessHandle();
}
