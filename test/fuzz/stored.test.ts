import fc from "fast-check";
import { expect, test } from "vitest";
import { MillraceError } from "../../lib/errors.ts";
import type { RigTask } from "../support/rig.ts";
import { mutate, mutation, type Mutation } from "./support/mutate.ts";
import { FUZZ_TIMEOUT, fuzzRuns, Outcomes, pool } from "./support/runs.ts";
import { coldTask, copyOf, finish, history, outputsOf, worldOf, type Result, type World } from "./support/world.ts";

const mutations = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(mutation) },
  { weight: 1, arbitrary: fc.array(mutation, { minLength: 2, maxLength: 3 }) },
);

/** Whatever was damaged: the task stops and says what it is, or it does exactly what it would have done. */
async function check(world: World, task: RigTask, twin: Result, outcomes: Outcomes): Promise<void> {
  let result: Result;
  try {
    result = await finish(world, task);
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown;
    expect(thrown.kind, thrown.message).toBe("systemic"); // no service has failed
    expect(thrown.message).toMatch(/events-pipeline:0:events:events.0:shardId/);
    outcomes.count(thrown.code);
    // Nothing wrong was sent before it stopped.
    for (const [id, body] of outputsOf(world)) expect(twin.outputs.get(id), id).toBe(body);
    return;
  }
  expect(result).toEqual(twin);
  const passedBy = world.rig.notices.some((notice) => notice.startsWith("Something damaged was passed by"));
  outcomes.count(passedBy ? "passed by" : "right");
  if (!passedBy) return;
  // It has healed: what comes next needs nothing that is damaged.
  const notices = world.rig.notices.length;
  await coldTask(world).turn({ kind: "sweep" });
  expect(world.rig.notices.slice(notices)).toEqual([]);
}

test(
  "X2, X11: whatever is damaged in the stores, a cold task stops and names it, or does exactly what is right",
  async () => {
    const outcomes = new Outcomes("stores, cold");
    const worlds = await Promise.all(
      pool(history, 25).map(async (one) => {
        const world = await worldOf(one);
        const copy = copyOf(world);
        return { world, twin: await finish(copy, coldTask(copy)) };
      }),
    );
    const run = async (which: number, changes: readonly Mutation[]) => {
      const { world, twin } = worlds[which]!;
      const damaged = copyOf(world);
      for (const change of changes) mutate(damaged, change);
      await check(damaged, coldTask(damaged), twin, outcomes);
    };
    await fc.assert(fc.asyncProperty(fc.nat(worlds.length - 1), mutations, run), fuzzRuns(200));
  },
  FUZZ_TIMEOUT,
);

test(
  "X2, X11: whatever is damaged in the stores, a process that was there before stops, or does exactly what is right",
  async () => {
    const outcomes = new Outcomes("stores, warm");
    const run = async (one: Parameters<typeof worldOf>[0], changes: readonly Mutation[]) => {
      const world = await worldOf(one);
      const copy = copyOf(world);
      const twin = await finish(copy, coldTask(copy));
      for (const change of changes) mutate(world, change);
      await check(world, world.warm, twin, outcomes);
    };
    await fc.assert(fc.asyncProperty(history, mutations, run), fuzzRuns(50));
  },
  FUZZ_TIMEOUT,
);
