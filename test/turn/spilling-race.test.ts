import { expect, test } from "vitest";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig, type RigOptions } from "../support/rig.ts";
import { overriding } from "../support/overriding.ts";

/** Every body is spilled, and no checkpoint hides it. */
const SPILLING = { limits: { spill: 0, shortLog: 1e9, checkpoint: 1e9 } };
const at = (sequence: number, key: string) => record(sequence, { key, time: 5, value: 1 });

test("X1: of two writers that spill different bodies for one epoch, the winner's is the one that is read", async () => {
  const rig = new Rig(eventsPipeline());
  const [first, second] = [[at(1, "a")], [at(1, "a"), at(2, "b"), at(3, "c")]];
  let raced = false;
  const slow: RigOptions = {
    ...SPILLING,
    wrapObjects: (objects) =>
      overriding(objects, {
        put: async (...args) => {
          // Another process has the same epoch's whole turn before this one's body arrives.
          if (!raced) {
            raced = true;
            await rig.task(SPILLING).turn({ kind: "records", records: first });
          }
          await objects.put(...args);
        },
      }),
  };
  const loser = rig.task(slow);
  await loser.turn({ kind: "records", records: second });
  expect(rig.reports.map(({ epoch, folded, conflicts, spilled }) => ({ epoch, folded, conflicts, spilled }))).toEqual([
    { epoch: 1, folded: 1, conflicts: 0, spilled: true },
    { epoch: 2, folded: 2, conflicts: 1, spilled: true },
  ]);
  await rig.task(SPILLING).turn({ kind: "drain" });
  expect(rig.rows<SumRow>("sums").map(({ key, events }) => [key, events])).toEqual([
    ["a", 1],
    ["b", 1],
    ["c", 1],
  ]);
  expect(rig.objects.objects.size).toBe(4); // the loser's body as well: nobody reads it
});
