import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { JUDGED_RECORDS, PoisonRecord } from "../../lib/state/poison-record.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

const one = (sequence: number, key: string, arrival = 1_000_000) =>
  record(sequence, { key, time: 5, value: 1 }, { arrival });
const keys = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}${i}`);

describe("X1: what a process remembers counts only while the changelog has that very commit", () => {
  const emitted = (rig: Rig) =>
    rig
      .rows<SumRow>("sums")
      .map(({ key }) => key)
      .toSorted();

  for (const [name, limits] of [
    ["inline", undefined],
    ["spilled", { ...SMALL_LIMITS, shortLog: 1e9, checkpoint: 1e9 }],
  ] as const) {
    const options = limits === undefined ? {} : { limits };

    test(`another commit of the same epoch is loaded, and not what was remembered (${name})`, async () => {
      const rig = new Rig(eventsPipeline());
      const stale = rig.task(options);
      await stale.turn({ kind: "records", records: keys("ghost", 5).map((key, i) => one(i + 1, key)) });
      rig.changelog.forget(taskName(rig.idOf()));
      await rig.task(options).turn({ kind: "records", records: keys("true", 5).map((key, i) => one(i + 1, key)) });
      await stale.turn({ kind: "drain" });
      expect(emitted(rig)).toEqual(keys("true", 5));
    });

    test(`commits that follow another one of the same epoch are not put on what was remembered (${name})`, async () => {
      const rig = new Rig(eventsPipeline());
      const stale = rig.task(options);
      await stale.turn({ kind: "records", records: keys("ghost", 5).map((key, i) => one(i + 1, key)) });
      rig.changelog.forget(taskName(rig.idOf()));
      const other = rig.task(options);
      await other.turn({ kind: "records", records: keys("true", 5).map((key, i) => one(i + 1, key)) });
      await other.turn({ kind: "records", records: [one(6, "true0")] }); // a delta, not whole
      await stale.turn({ kind: "drain" });
      expect(emitted(rig)).toEqual(keys("true", 5));
      expect((await rig.counters()).get("events")).toMatchObject({ in: 6 });
    });
  }
});

test("X5: a process that begins with a checkpoint of the newest commit has its outputs without asking for it again", async () => {
  for (const isPoison of [false, true]) {
    const rig = new Rig(eventsPipeline());
    const options = { limits: SMALL_LIMITS };
    await rig.task(options).turn({ kind: "records", records: keys("key", 30).map((key, i) => one(i + 1, key)) });
    const last = isPoison ? record(31, { nonsense: true }, { arrival: 1_000_000 }) : one(31, "key0");
    const mark = vi.spyOn(rig.changelog, "raiseDelivered").mockRejectedValue(new Error("lost")); // so that it is asked for
    const report = await rig.task(options).turn({ kind: "records", records: [last] });
    mark.mockRestore();
    expect([report.checkpointed, report.outputs]).toEqual([true, Number(isPoison)]);
    const range = vi.spyOn(rig.changelog, "range");
    const { redeliveries } = await rig.task(options).turn({ kind: "records", records: [one(32, "key1")] });
    expect([range.mock.calls.length, redeliveries]).toEqual([0, Number(isPoison)]);
  }
});

describe("X10: a cold process judges as a warm one", () => {
  /** Runs of like records, and where the process is replaced: longer than what is judged, so that bits wrap. */
  const runs = fc.array(
    fc.record({ poison: fc.boolean(), length: fc.integer({ min: 1, max: 700 }), cold: fc.boolean() }),
    {
      minLength: 1,
      maxLength: 10,
    },
  );

  test("what is remembered of poison survives storage, after any records", () => {
    fc.assert(
      fc.property(runs, (input) => {
        const warm = new PoisonRecord();
        let cold = new PoisonRecord();
        const all: boolean[] = [];
        for (const { poison, length, cold: replaced } of input) {
          for (let i = 0; i < length; i++) {
            warm.add(poison);
            cold.add(poison);
            all.push(poison);
          }
          if (!replaced) continue;
          const stored = cold.snapshot();
          cold = new PoisonRecord();
          cold.restore(stored);
          const judged = all.slice(-JUDGED_RECORDS);
          expect(cold).toMatchObject({ seen: judged.length, poison: judged.filter(Boolean).length });
        }
        expect([cold.seen, cold.poison]).toEqual([warm.seen, warm.poison]);
        // And they forget alike: the oldest leaves first.
        for (let i = 0; i < JUDGED_RECORDS; i += 3) {
          for (let step = 0; step < 3; step++) {
            warm.add(false);
            cold.add(false);
          }
          expect(cold.poison).toBe(warm.poison);
        }
        expect(cold.snapshot()).toEqual(warm.snapshot());
      }),
      { numRuns: 200 },
    );
  });

  test("restoring replaces all that was there", () => {
    const used = new PoisonRecord();
    for (let i = 0; i < 50; i++) used.add(true);
    used.restore(new PoisonRecord().snapshot());
    expect([used.seen, used.poison]).toEqual([0, 0]);
  });

  test("a snapshot does not change with what comes after it", () => {
    const poison = new PoisonRecord();
    poison.add(true);
    const before = poison.snapshot();
    poison.add(true);
    const restored = new PoisonRecord();
    restored.restore(before);
    expect([restored.seen, restored.poison]).toEqual([1, 1]);
  });

  test("a task stops at the same record, whether one process has it or each record a new one", async () => {
    const stopsAt = async (cold: boolean) => {
      const rig = new Rig(eventsPipeline());
      let task = rig.task();
      for (let sequence = 1; sequence <= 300; sequence++) {
        const records = [sequence % 3 === 0 || sequence > 120 ? record(sequence, { key: "a" }) : one(sequence, "a")];
        try {
          await task.turn({ kind: "records", records });
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "poison/systemic" });
          return sequence;
        }
        if (cold) task = rig.task();
      }
      return undefined;
    };
    const warm = await stopsAt(false);
    expect(warm).toBeGreaterThan(120);
    expect(await stopsAt(true)).toBe(warm);
  });
});

test("X6: a cold process measures a repeat by the largest arrival that was folded, not by the last", async () => {
  const rig = new Rig(eventsPipeline());
  const records = [one(1, "a", 2_000_000), one(2, "a", 1_000_000)];
  await rig.task().turn({ kind: "records", records });
  await rig.task().turn({ kind: "records", records: [one(3, "a", 1_500_000)] });
  await rig.task().turn({ kind: "records", records });
  expect(rig.reports.at(-1)).toMatchObject({ folded: 0 });
  await expect(rig.task().turn({ kind: "records", records: [one(1, "a", 2_000_001)] })).rejects.toMatchObject({
    code: "source/recreated",
  });
});
