import { describe, expect, test } from "vitest";
import type { WriterLimits } from "../../lib/runtime/commit-writer.ts";
import type { CheckpointPointer } from "../../lib/state/changelog.ts";
import { sealCheckpoint } from "../../lib/state/checkpoint.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig, SMALL_LIMITS, type RigTask } from "../support/rig.ts";

const KEYS = 60;
const IN_PARTS: WriterLimits = { ...SMALL_LIMITS, turn: 1, late: 1e9 };

/** A task with sixty windows open, after a commit that has all of them. */
async function opened(limits: WriterLimits = IN_PARTS) {
  const rig = new Rig(eventsPipeline());
  let next = 1;
  const records = (count: number) =>
    Array.from({ length: count }, () => record(next, { key: `k${next++ % KEYS}`, time: 5, value: 1 }));
  await rig.task().turn({ kind: "records", records: records(KEYS) });
  const name = taskName(rig.idOf());
  /** Of one record. */
  const one = async (task: RigTask) => {
    await task.turn({ kind: "records", records: records(1) });
    return rig.reports.at(-1)!;
  };
  return {
    rig,
    turn: (task = rig.task({ limits })) => one(task),
    name,
    /** Takes turns until one has begun a checkpoint: what is made of it is held beside the state. */
    begin: async (task: RigTask) => {
      let [before, last] = [Number.POSITIVE_INFINITY, await one(task)];
      for (; last.stateMemory <= 1.1 * before; last = await one(task)) before = last.stateMemory;
      return last;
    },
    /** Has the task's item point to another checkpoint of the same epoch. */
    repoint: async (pointer: CheckpointPointer) => {
      const { commits } = await rig.changelog.newest(name, { from: 0 });
      rig.changelog.forget(name);
      for (const commit of commits.toReversed()) await rig.changelog.append(name, commit);
      await rig.changelog.raiseDelivered(name, commits[0]!.epoch);
      await rig.changelog.raiseCheckpoint(name, pointer);
    },
    pointer: async () => (await rig.changelog.newest(name, { from: 0 })).item.checkpoint,
    forgetUpTo: (epoch: number) => {
      for (let gone = 1; gone <= epoch; gone++) rig.changelog.forget(name, gone);
    },
    /** What a process counts that knows nothing. */
    folded: async () => {
      await rig.task().turn({ kind: "drain" });
      return rig.rows<SumRow>("sums").reduce((sum, { events }) => sum + events, 0);
    },
    put: () => next - 1,
  };
}

describe("a checkpoint of a large state", () => {
  test("takes several turns, is of the commit it was begun at, and the log after it holds the rest", async () => {
    const log = await opened();
    const task = log.rig.task({ limits: IN_PARTS });
    const turns = [];
    do turns.push(await log.turn(task));
    while (!turns.at(-1)!.checkpointed);
    const { epoch } = (await log.pointer())!;
    // The one at which its log outgrew the state: sorting, writing, a space's end and the end of all are a part each.
    expect(epoch).toBe(turns.at(-4)!.epoch);
    log.forgetUpTo(epoch);
    expect(await log.folded()).toBe(log.put());
  });

  test("is finished in one turn when the log has become half as long again as it may be", async () => {
    const log = await opened();
    const task = (late: number) => log.rig.task({ limits: { ...IN_PARTS, late } });
    const [patient, hasty] = [task(1e9), task(0.001)];
    await log.turn(patient);
    expect([(await log.turn(patient)).checkpointed, (await log.turn(hasty)).checkpointed]).toEqual([false, true]);
    expect(await log.folded()).toBe(log.put());
  });

  test("is not written where another process has written a newer one; what it was made for stays", async () => {
    const log = await opened();
    const slow = log.rig.task({ limits: IN_PARTS });
    const first = await log.begin(slow);
    const other = await log.turn(log.rig.task({ limits: SMALL_LIMITS }));
    expect([first.checkpointed, other.checkpointed]).toEqual([false, true]);
    const turns = [await log.turn(slow), await log.turn(slow), await log.turn(slow)];
    expect(turns.map(({ checkpointed }) => checkpointed)).toEqual([false, false, false]);
    expect(turns[2]!.stateMemory).toBeLessThan(first.stateMemory / 2);
    expect((await log.pointer())!.epoch).toBe(other.epoch);
    expect([...log.rig.objects.objects.keys()].filter((key) => key.startsWith("checkpoints/"))).toHaveLength(1);
    // It is done with: the next one is its own.
    let last = await log.turn(slow);
    for (let turn = 0; turn < 99 && !last.checkpointed; turn++) last = await log.turn(slow);
    expect((await log.pointer())!.epoch).toBeGreaterThan(other.epoch);
    expect(await log.folded()).toBe(log.put());
  });

  test("is begun by who has had the task before: who has just loaded it may be told nothing more of it", async () => {
    const log = await opened();
    const task = log.rig.task({ limits: IN_PARTS });
    await log.begin(task);
    const [cold, warm] = [log.rig.task({ limits: IN_PARTS }), log.rig.task({ limits: IN_PARTS })];
    const first = await log.turn(cold);
    await log.turn(warm);
    expect((await log.turn(warm)).stateMemory).toBeGreaterThan(1.1 * first.stateMemory);
  });

  test("is made by whoever has the state in the end: a process that knows nothing begins anew, and does not wait", async () => {
    const log = await opened({ ...IN_PARTS, late: 2 });
    let turns = 0;
    do turns++;
    while (!(await log.turn()).checkpointed && turns < 100);
    expect(turns).toBeLessThan(30);
    log.forgetUpTo((await log.pointer())!.epoch);
    expect(await log.folded()).toBe(log.put());
  });

  test("that cannot be made says so with every attempt, and takes no turn for one that is under way", async () => {
    const log = await opened({ ...SMALL_LIMITS, run: { entries: 1, block: 700 } });
    const limits = { ...IN_PARTS, run: { entries: 1, block: 700 } };
    const whole = log.rig.task({ limits: { ...limits, turn: 1e9 } });
    while (!(await log.turn(whole)).checkpointed);
    const { key, codec, ...envelope } = (await log.pointer())!;
    const body = log.rig.objects.objects.get(key)!.map((byte, at, { length }) => (at < length - 20 ? byte : 0));
    log.rig.objects.objects.set(key, body);
    await log.repoint(sealCheckpoint(log.name, { key, ...envelope }, body, codec));
    const task = log.rig.task({ limits });
    let refused = 0;
    for (let turn = 0; turn < 200; turn++)
      try {
        expect((await log.turn(task)).checkpointed).toBe(false);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "state/corrupt" });
        refused++;
      }
    expect(refused).toBeGreaterThan(10);
  });

  test("is not written where a commit has had the whole state since", async () => {
    const log = await opened();
    const task = log.rig.task({ limits: IN_PARTS });
    await log.begin(task);
    await task.turn({ kind: "records", records: [record(10_000, { key: "k1", time: 500, value: 1 })] }); // closes all
    expect(log.rig.reports.at(-1)!.stateEntries.get("tens") ?? 1).toBeLessThan(3);
    for (let n = 1; n < 4; n++) {
      await task.turn({ kind: "records", records: [record(10_000 + n, { key: "k1", time: 500, value: 1 })] });
      expect(log.rig.reports.at(-1)!.checkpointed).toBe(false);
    }
    expect(await log.pointer()).toBe(undefined);
  });

  test("of a log that is getting old is written in one turn: there may not be another soon", async () => {
    const log = await opened();
    const task = log.rig.task({ limits: { ...IN_PARTS, shortLog: 1e9, checkpoint: 1e9 } });
    await log.turn(task);
    log.rig.now += 16 * 24 * 3_600_000;
    expect((await log.turn(task)).checkpointed).toBe(true);
  });
});
