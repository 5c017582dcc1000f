import { expect, test } from "vitest";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

test("a window that was emitted stays closed when a later build allows more lateness", async () => {
  const at = (sequence: number, time: number) => record(sequence, { key: "a", time, value: 1 });
  const before = new Rig(eventsPipeline({ disorder: {} }));
  await before.task().turn({ kind: "records", records: [at(1, 1), at(2, 2), at(3, 25)] });
  expect(before.rows("sums")).toHaveLength(1);
  const after = new Rig(eventsPipeline({ disorder: {}, allowedLateness: { millis: 100 } }));
  Object.assign(after, { changelog: before.changelog, objects: before.objects });
  await after.task().turn({ kind: "records", records: [at(4, 3), at(5, 15), at(6, 26)] });
  await after.task().turn({ kind: "drain" });
  expect(after.rows<SumRow>("sums").map(({ window_start, events }) => [window_start, events])).toEqual([
    [10, 1],
    [20, 2],
  ]);
  expect(after.rows("late")).toEqual([{ key: "a", time: 3, value: 1 }]);
});
