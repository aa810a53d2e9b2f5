/** Sending a file. By XMLHttpRequest, because fetch does not tell how much of a request has left. */

import type { Upload } from "../model/types.ts";
import { accepted, Problem, UNREACHABLE } from "./http.ts";

/** A file for a job of this type. `onSent` hears of the bytes that have left. Throws Problem; or the signal's reason when that stopped it. */
export async function uploadFile(file: File, type: string, onSent: (bytes: number) => void, signal: AbortSignal): Promise<Upload> {
  const path = `/api/v1/uploads?${new URLSearchParams({ name: file.name, type })}`;
  const response = await accepted(path, await sent(path, file, onSent, signal));
  return (await response.json()) as Upload;
}

function sent(path: string, file: File, onSent: (bytes: number) => void, signal: AbortSignal): Promise<Response> {
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => request.abort());
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onload = () => resolve(answerOf(request));
    request.onerror = () => reject(new Problem(0, `The upload was interrupted. ${UNREACHABLE}`));
    request.onabort = () => reject(signal.reason as Error);
    request.open("POST", path);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", "application/octet-stream");
    request.send(file);
  });
}

function answerOf(request: XMLHttpRequest): Response {
  const date = request.getResponseHeader("date");
  return new Response(request.responseText, { status: request.status, headers: date ? { date } : {} });
}
