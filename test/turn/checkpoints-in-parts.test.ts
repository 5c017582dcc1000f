import { describe, expect, test } from "vitest";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

const KEYS = 60;
const IN_PARTS = { ...SMALL_LIMITS, turn: 1, late: 1e9 };

/** A task with sixty windows open, after a commit that has all of them. */
async function opened(limits = IN_PARTS) {
  const rig = new Rig(eventsPipeline());
  let next = 1;
  const records = (count: number) =>
    Array.from({ length: count }, () => record(next, { key: `k${next++ % KEYS}`, time: 5, value: 1 }));
  await rig.task().turn({ kind: "records", records: records(KEYS) });
  const name = taskName(rig.idOf());
  return {
    rig,
    /** One record each. */
    turn: async (task = rig.task({ limits })) => {
      await task.turn({ kind: "records", records: records(1) });
      return rig.reports.at(-1)!;
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
    // The one at which its log outgrew the state: the entries of a space, its end, and the end of all are a part each.
    expect(epoch).toBe(turns.at(-3)!.epoch);
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
    await log.turn(slow);
    const first = await log.turn(slow); // begins one
    const other = await log.turn(log.rig.task({ limits: SMALL_LIMITS }));
    expect([first.checkpointed, other.checkpointed]).toEqual([false, true]);
    for (let turn = 0; turn < 2; turn++) expect((await log.turn(slow)).checkpointed).toBe(false);
    expect((await log.turn(slow)).stateMemory).toBeLessThan(first.stateMemory / 2);
    expect((await log.pointer())!.epoch).toBe(other.epoch);
    expect([...log.rig.objects.objects.keys()].filter((key) => key.startsWith("checkpoints/"))).toHaveLength(1);
    // It is done with: the next one is its own.
    let last = await log.turn(slow);
    for (let turn = 0; turn < 99 && !last.checkpointed; turn++) last = await log.turn(slow);
    expect((await log.pointer())!.epoch).toBeGreaterThan(other.epoch);
    expect(await log.folded()).toBe(log.put());
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
});
