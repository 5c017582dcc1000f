import fc from "fast-check";
import { expect, test } from "vitest";
import { eventsPipeline, type Event, type SumRow } from "../../support/events-pipeline.ts";
import { naiveWindows, sorted } from "../../support/naive-windows.ts";
import { record, Rig } from "../../support/rig.ts";

const events = fc.array(
  fc.record<Event>({
    key: fc.constantFrom("a", "b", "__proto__", "constructor", ""),
    time: fc.integer({ min: -40, max: 120 }),
    value: fc.integer({ min: -3, max: 3 }),
  }),
  { maxLength: 60 },
);

/** Cuts a list into batches at the given places. */
const cut = <T>(list: readonly T[], places: readonly number[]): T[][] => {
  const at = [...new Set(places.map((place) => place % (list.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, i) => list.slice(start, at[i] ?? list.length));
};

test("windows, watermarks and lateness equal a naive oracle's, however batches are cut (X3)", async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      fc.array(fc.nat(60), { maxLength: 6 }),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 0, max: 30 }),
      async (input, places, disorder, lateness) => {
        const rig = new Rig(eventsPipeline({ disorder: { millis: disorder }, allowedLateness: { millis: lateness } }));
        const task = rig.task();
        const batches = cut(
          input.map((event, i) => record(i + 1, event)),
          places,
        );
        for (const batch of batches) await task.turn({ kind: "records", records: batch });
        await task.turn({ kind: "drain" });
        const expected = naiveWindows(input, { disorder, lateness });
        expect(sorted(rig.rows<SumRow>("sums"))).toEqual(sorted(expected.windows));
        expect(sorted(rig.rows("late"))).toEqual(
          sorted(expected.late.map(({ key, time, value }) => ({ key, time, value }))),
        );
        const counters = await rig.counters();
        const window = counters.get("tens");
        expect(counters.get("events")?.in ?? 0).toBe(input.length);
        expect(counters.get("not-zero")?.filtered ?? 0).toBe(expected.filtered);
        expect((window?.folded ?? 0) + (window?.late ?? 0) + expected.filtered).toBe(input.length);
        expect(window?.late ?? 0).toBe(expected.late.length);
      },
    ),
    { numRuns: 300 },
  );
});

test("a process that knows nothing folds on as one that knows all", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.array(fc.nat(60), { maxLength: 8 }), async (input, places) => {
      const rig = new Rig(eventsPipeline());
      for (const batch of cut(
        input.map((event, i) => record(i + 1, event)),
        places,
      )) {
        await rig.task().turn({ kind: "records", records: batch });
      }
      await rig.task().turn({ kind: "drain" });
      expect(sorted(rig.rows<SumRow>("sums"))).toEqual(
        sorted(naiveWindows(input, { disorder: 5, lateness: 0 }).windows),
      );
    }),
    { numRuns: 100 },
  );
});

test("a record in any order of delivery twice is folded once (X3)", async () => {
  const rig = new Rig(eventsPipeline());
  const task = rig.task();
  const batch = [1, 2, 3, 10, 20].map((sequence) => record(sequence, { key: "a", time: sequence, value: 1 }));
  await task.turn({ kind: "records", records: batch });
  await task.turn({ kind: "records", records: batch.slice(2) });
  await task.turn({ kind: "records", records: [...batch, record(100, { key: "a", time: 9, value: 1 })] });
  expect((await rig.counters()).get("events")!.in).toBe(6);
});
