import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobType, Session } from "../src/model/types.ts";

// Its listener would keep the tests from ending.
Reflect.deleteProperty(globalThis, "BroadcastChannel");
const { session } = await import("../src/state/session.ts");
const { jobTypes, jobTypesProblem } = await import("../src/state/job_types.ts");

const PROBLEM = "Not now.";

function login(name: string): Session {
  return { user: { id: 1, name, email: "", user_type: "user" }, account: { id: 1, name: "", time_zone: "UTC" }, permissions: [] } as unknown as Session;
}

/** Everything asked for so far, to be answered when a test says so. */
function gateway(): ((answer: Response) => Promise<void>)[] {
  const waiting: ((answer: Response) => Promise<void>)[] = [];
  globalThis.fetch = () =>
    new Promise((resolve) =>
      waiting.push(async (answer) => {
        resolve(answer);
        await new Promise(setImmediate);
      }),
    );
  return waiting;
}

function offered(): string[] | undefined {
  return jobTypes.value?.map(({ name }) => name);
}

function offering(name: string): Response {
  return Response.json({ items: [{ type: "cards", name } as JobType] });
}

test("an answer for whoever was logged in before is not taken for the present user's", async () => {
  const asked = gateway();
  session.value = login("Ada");
  session.value = null;
  session.value = login("Grace");
  assert.equal(asked.length, 2);
  await asked[0]?.(offering("Ada's"));
  assert.equal(offered(), undefined);
  await asked[1]?.(offering("Grace's"));
  assert.deepEqual(offered(), ["Grace's"]);
});

test("nor is what went wrong for them", async () => {
  const asked = gateway();
  session.value = login("Ada");
  session.value = login("Grace");
  await asked[0]?.(Response.json({ detail: PROBLEM }, { status: 503 }));
  assert.equal(jobTypesProblem.value, null);
  await asked[1]?.(Response.json({ detail: PROBLEM }, { status: 503 }));
  assert.equal(jobTypesProblem.value, PROBLEM);
});
