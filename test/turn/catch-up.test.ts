import fc from "fast-check";
import { expect, test } from "vitest";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline, type Event, type SumRow } from "../support/events-pipeline.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

const events = fc.array(
  fc.record<Event>({
    key: fc.constantFrom("a", "b", "c"),
    time: fc.integer({ min: 0, max: 200 }),
    value: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 10, maxLength: 80 },
);

for (const [name, limits] of [
  ["inline", undefined],
  ["spilled and checkpointed", SMALL_LIMITS],
  ["checkpointed in parts", { ...SMALL_LIMITS, turn: 3, late: 1e9 }],
] as const) {
  test(`stale processes catch up to one truth, whoever gets the next batch (${name})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        events,
        fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 7 })), { minLength: 80, maxLength: 80 }),
        async (input, turns) => {
          const rig = new Rig(eventsPipeline({ disorder: { millis: 30 } }));
          const begin = () => rig.task(limits === undefined ? {} : { limits });
          const processes = [0, 1, 2, 3].map(begin);
          let rest = input.map((event, i) => record(i + 1, event));
          for (const [process, size] of turns) {
            if (rest.length === 0) break;
            await (processes[process] ?? begin()).turn({ kind: "records", records: rest.slice(0, size) });
            rest = rest.slice(size);
          }
          await processes[0]!.turn({ kind: "drain" });
          expect(sorted(rig.rows<SumRow>("sums"))).toEqual(
            sorted(naiveWindows(input, { disorder: 30, lateness: 0 }).windows),
          );
          expect(rig.sinks.get("sums")!.received).toHaveLength(rig.sinks.get("sums")!.distinct().size);
        },
      ),
      { numRuns: 60 },
    );
  });
}

/** Keeps 60 windows open, and changes two a batch: commits are deltas. */
async function longLog(rig: Rig, batches: number, from = 0): Promise<void> {
  const task = rig.task();
  for (let batch = from; batch < from + batches; batch++) {
    const records = [0, 1].map((i) =>
      record(batch * 2 + i + 1, { key: `k${(batch * 2 + i) % 60}`, time: 5, value: 1 }),
    );
    await task.turn({ kind: "records", records });
  }
}

test("a commit holds only what changed: its size does not grow with the state", async () => {
  const rig = new Rig(eventsPipeline());
  await longLog(rig, 200);
  const sizes = rig.reports.map(({ commitBytes }) => commitBytes);
  expect(Math.max(...sizes.slice(100))).toBeLessThan(1.3 * Math.max(...sizes.slice(1, 10)));
});

test("a checkpoint replaces the log before it", async () => {
  const rig = new Rig(eventsPipeline());
  await longLog(rig, 50);
  await rig
    .task({ limits: SMALL_LIMITS })
    .turn({ kind: "records", records: [record(1_000, { key: "x", time: 5, value: 1 })] });
  expect(rig.reports.at(-1)!.checkpointed).toBe(true);
  const name = taskName(rig.idOf());
  for (let epoch = 1; epoch <= 50; epoch++) rig.changelog.forget(name, epoch);
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows<SumRow>("sums").reduce((sum, { events: n }) => sum + n, 0)).toBe(101);
});

test("the log since a checkpoint is read while the checkpoint is: neither waits for the other", async () => {
  const rig = new Rig(eventsPipeline());
  const turn = (n: number, options = {}) =>
    rig.task(options).turn({ kind: "records", records: [record(n, { key: `k${n}`, time: 5, value: 1 })] });
  for (let n = 1; n <= 60; n++) await turn(n);
  await turn(61, { limits: SMALL_LIMITS });
  expect(rig.reports.at(-1)!.checkpointed).toBe(true);
  for (let n = 62; n <= 65; n++) await turn(n, { limits: { ...SMALL_LIMITS, shortLog: 1e9, checkpoint: 1e9 } });
  // A checkpoint that comes last, after all commits and their spilled bodies.
  const awaited = new Set<string>();
  let allAsked = () => undefined as void;
  const isAsked = new Promise<void>((resolve) => (allAsked = resolve));
  const cold = rig.task({
    wrapObjects: (objects) =>
      overriding(objects, {
        get: async (key) => {
          if (key.startsWith("spills/")) awaited.add(key);
          if (awaited.size === 4) allAsked();
          if (key.startsWith("checkpoints/")) await isAsked;
          return objects.get(key);
        },
      }),
  });
  await cold.turn({ kind: "drain" });
  expect(rig.rows<SumRow>("sums").reduce((sum, { events: n }) => sum + n, 0)).toBe(65);
});

test("X11: a missing checkpoint object falls back to the one before and its log", async () => {
  const rig = new Rig(eventsPipeline());
  const always = { limits: SMALL_LIMITS };
  for (let i = 1; i <= 12; i++)
    await rig.task(always).turn({
      kind: "records",
      records: [
        record(i, { key: `k${i % 5}`, time: 5, value: 1 }),
        record(100 + i, { key: "z", time: 6, value: 1 }),
      ].slice(0, i === 12 ? 2 : 1),
    });
  const checkpoints = [...rig.objects.objects.keys()].filter((key) => key.startsWith("checkpoints/"));
  expect(checkpoints.length).toBeGreaterThan(1);
  rig.objects.objects.delete(checkpoints.at(-1)!);
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows<SumRow>("sums").reduce((sum, { events: n }) => sum + n, 0)).toBe(13);
});

test("a gap in the log stops the task and names what is missing; it does not begin anew", async () => {
  const rig = new Rig(eventsPipeline());
  await longLog(rig, 100);
  rig.changelog.forget(taskName(rig.idOf()), 90);
  await expect(rig.task().turn({ kind: "drain" })).rejects.toMatchObject({ kind: "systemic", code: "state/gone" });
});

test("a log that is gone from under a process stops it", async () => {
  const rig = new Rig(eventsPipeline());
  const task = rig.task();
  await task.turn({ kind: "records", records: [record(1, { key: "a", time: 1, value: 1 })] });
  rig.changelog.forget(taskName(rig.idOf()), 1);
  await expect(task.turn({ kind: "drain" })).rejects.toMatchObject({ code: "state/gone" });
});

test("damaged bytes stop the task and name the commit", async () => {
  const rig = new Rig(eventsPipeline());
  await rig
    .task({ limits: SMALL_LIMITS })
    .turn({ kind: "records", records: [record(1, { key: "a", time: 1, value: 1 })] });
  for (const [key, bytes] of rig.objects.objects)
    rig.objects.objects.set(
      key,
      bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte)),
    );
  await expect(rig.task().turn({ kind: "drain" })).rejects.toMatchObject({
    code: "state/corrupt",
    message: expect.stringContaining("Commit 1 of task events-pipeline"),
  });
});
