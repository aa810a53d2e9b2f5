/** The gateway's live stream: server-sent events, read with fetch so that status and silence are seen. */

import { createParser } from "eventsource-parser";
import { send } from "./http.ts";

/** The gateway sends a comment every 15 s; a stream silent for longer than two of them is dead. */
const SILENCE_MS = 35_000;

export interface StreamEvent {
  event: string;
  data: string;
}

/** Reads until the stream ends, goes silent or `signal` stops it; then returns or throws. */
export async function readStream(onEvent: (event: StreamEvent) => void, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const parser = createParser({ onEvent: ({ event, data }) => onEvent({ event: event ?? "message", data }) });
  try {
    const response = await send("/api/v1/jobs/stream", {
      headers: { accept: "text/event-stream" },
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const decoder = new TextDecoder();
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      parser.feed(decoder.decode(next.value, { stream: true }));
    }
  } finally {
    clearTimeout(timer);
  }
}
