import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import type { DownloadOrder } from "../src/model/download_order.ts";
import { receive, Refused, type StoredFile } from "../src/api/receive.ts";

/** A stored file in memory. */
class MemoryFile implements StoredFile {
  bytes = new Uint8Array(0);
  getSize = (): number => this.bytes.length;
  truncate(size: number): void {
    const kept = new Uint8Array(size);
    kept.set(this.bytes.subarray(0, size));
    this.bytes = kept;
  }
  read(into: Uint8Array, { at }: { at: number }): number {
    const part = this.bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }
  write(bytes: Uint8Array, { at }: { at: number }): number {
    if (at + bytes.length > this.bytes.length) this.truncate(at + bytes.length);
    this.bytes.set(bytes, at);
    return bytes.length;
  }
  flush(): void {}
  close(): void {}
}

/** A gateway that ends each transfer after so many bytes, while `breaks` lasts; notes the ranges it sent whole. */
function gateway(content: Uint8Array, breaks: number[], whole: [number, number][]): typeof fetch {
  return async (_address, options) => {
    const range = /bytes=(\d+)-(\d+)/.exec(new Headers(options?.headers).get("range") ?? "");
    const [start, end] = range ? [Number(range[1]), Number(range[2]) + 1] : [0, content.length];
    const asked = content.slice(start, end);
    const sent = asked.slice(0, breaks.shift() ?? asked.length);
    if (sent.length === asked.length) whole.push([start, end]);
    const headers = { etag: `"${createHash("sha256").update(content).digest("hex")}"` };
    return new Response(new Blob([sent]).stream(), { status: range ? 206 : 200, headers });
  };
}

async function untilDone(order: DownloadOrder, file: StoredFile, piece: number): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      return (await receive(order, file, () => undefined, piece)).kind;
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
  }
  return "never";
}

const order = (size_bytes: number): DownloadOrder => ({ name: "job", href: "/result", size_bytes });

test("wherever transfers break off, the file is whole and the gateway has sent every byte of it in whole pieces", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 64 }), fc.array(fc.nat(80), { maxLength: 12 }), async (size, piece, breaks) => {
      const content = new Uint8Array(randomBytes(size));
      const file = new MemoryFile();
      const whole: [number, number][] = [];
      globalThis.fetch = gateway(content, [...breaks], whole);
      assert.equal(await untilDone(order(size), file, piece), "done");
      assert.deepEqual(file.bytes, content);
      let covered = 0;
      for (const [start, end] of whole.sort(([one], [other]) => one - other)) if (start <= covered) covered = Math.max(covered, end);
      assert.equal(covered, size);
    }),
    { numRuns: 100 },
  );
});

test("a file that fits into one piece is asked for whole, so that the gateway compares its checksum too", async () => {
  const ranges: (string | null)[] = [];
  const inner = gateway(new Uint8Array([1, 2, 3]), [], []);
  globalThis.fetch = async (address, options) => (ranges.push(new Headers(options?.headers).get("range")), inner(address, options));
  assert.equal((await receive(order(3), new MemoryFile(), () => undefined, 16)).kind, "done");
  assert.deepEqual(ranges, [null]);
});

test("what an earlier try left of another file is found out and thrown away", async () => {
  const file = new MemoryFile();
  file.write(new Uint8Array([9, 9, 9, 9]), { at: 0 });
  globalThis.fetch = gateway(new Uint8Array([1, 2, 3, 4, 5, 6]), [], []);
  assert.equal((await receive(order(6), file, () => undefined, 4)).kind, "damaged");
  assert.equal(file.getSize(), 0);
  assert.equal((await receive(order(6), file, () => undefined, 4)).kind, "done");
});

test("a refusal tells its status and the server's words", async () => {
  globalThis.fetch = async () => new Response(JSON.stringify({ detail: "It is gone." }), { status: 410 });
  await assert.rejects(receive(order(5), new MemoryFile(), () => undefined), (error: Refused) => {
    assert.deepEqual(error.news, { kind: "refused", status: 410, detail: "It is gone." });
    return true;
  });
});
