import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Counts } from "../src/model/types.ts";
import { Counting } from "../src/state/counting.ts";

const NONE: Counts = { all: 0, running: 0, scheduled: 0, ready: 0 };

/** Runs the scheduled actions when told to; the answer to a cancelled one never comes. */
class Clock {
  private readonly waiting = new Set<() => void>();
  readonly schedule = (action: () => void): (() => void) => {
    this.waiting.add(action);
    return () => void this.waiting.delete(action);
  };
  get busy(): boolean {
    return this.waiting.size > 0;
  }
  tick(): void {
    for (const action of [...this.waiting]) {
      if (this.waiting.delete(action)) action();
    }
  }
}

/** Changes of the monitor: jobs come in, become ready, leave. */
const steps = fc.array(fc.constantFrom("start", "finish", "leave"), { maxLength: 40 });

function after(counts: Counts, step: string): Counts {
  if (step === "start") return { ...counts, all: counts.all + 1, running: counts.running + 1 };
  if (step === "finish" && counts.running > 0) return { ...counts, running: counts.running - 1, ready: counts.ready + 1 };
  if (step === "leave" && counts.ready > 0) return { ...counts, all: counts.all - 1, ready: counts.ready - 1 };
  return counts;
}

test("whatever the order of events, answers and lists, the counts shown end as the server's", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.scheduler(), fc.boolean(), async (changes, network, lists) => {
      let truth = NONE;
      let shown: Counts = NONE;
      const clock = new Clock();
      const looked = async (): Promise<Counts> => {
        await network.schedule(Promise.resolve(), "request");
        const found = truth;
        await network.schedule(Promise.resolve(), "answer");
        return found;
      };
      const counting = new Counting(looked, (counts) => (shown = counts), clock.schedule);
      const later = (what: string, action: () => unknown): void => void network.schedule(Promise.resolve(), what).then(action);
      for (const change of changes) {
        later("change", () => {
          truth = after(truth, change);
          later("event", () => counting.changed());
        });
        later("time", () => clock.tick());
        if (!lists || change !== "finish") continue;
        later("list", async () => {
          const request = counting.begin();
          counting.take(request, await looked());
        });
      }
      for (let round = 0; round === 0 || clock.busy; round++) {
        assert.ok(round < 100, "it never comes to rest");
        await network.waitIdle();
        clock.tick();
        await network.waitIdle();
      }
      assert.deepEqual(shown, truth);
      assert.ok(Object.values(shown).every((count) => count >= 0));
    }),
    { numRuns: 300 },
  );
});

test("a burst is one question", async () => {
  let asked = 0;
  const clock = new Clock();
  const counting = new Counting(async () => (asked++, NONE), () => undefined, clock.schedule);
  for (let change = 0; change < 100; change++) counting.changed();
  clock.tick();
  await Promise.resolve();
  assert.equal(asked, 1);
});

test("a question that got no answer is asked again", async () => {
  const answers: (Counts | null)[] = [null, { ...NONE, all: 3 }];
  let shown = NONE;
  const clock = new Clock();
  const counting = new Counting(async () => answers.shift() ?? null, (counts) => (shown = counts), clock.schedule);
  counting.changed();
  for (let turn = 0; turn < 10; turn++) {
    clock.tick();
    await new Promise(setImmediate);
  }
  assert.equal(shown.all, 3);
});

test("after a log-out no answer of before is shown", async () => {
  let shown: Counts | null = null;
  const counting = new Counting(async () => NONE, (counts) => (shown = counts));
  const request = counting.begin();
  counting.reset();
  counting.take(request, NONE);
  assert.equal(shown, null);
});
