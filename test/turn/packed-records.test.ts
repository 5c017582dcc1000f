import fc from "fast-check";
import { expect, test } from "vitest";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { comparePositions, type Position } from "../../lib/state/position.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

const packed = (sequence: string, index: number): IncomingRecord => ({
  ...record(sequence, { key: "a", time: 5, value: 1 + index }),
  position: { sequence, index },
});

test("X3: records packed into one are each folded once, and a repeat of some folds only those that are new", async () => {
  const rig = new Rig(eventsPipeline());
  const folded = async (...records: IncomingRecord[]) => {
    await rig.task().turn({ kind: "records", records });
    return rig.reports.at(-1)!.folded;
  };
  expect(await folded(packed("99", 0), packed("99", 1), packed("99", 2))).toBe(3);
  expect(await folded(packed("99", 0), packed("99", 1), packed("99", 2))).toBe(0);
  expect(await folded(packed("99", 1), packed("99", 2), packed("99", 3), packed("99", 10))).toBe(2);
  expect(await folded(packed("99", 9), packed("100", 0), packed("100", 1))).toBe(2);
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows<SumRow>("sums")).toMatchObject([{ events: 7, total: 1 + 2 + 3 + 4 + 11 + 1 + 2 }]);
});

test("X7: one dead record of a packed one leaves the others, and says which it is", async () => {
  const rig = new Rig(eventsPipeline());
  const dead = { ...record("99", { key: "a", time: "never" }), position: { sequence: "99", index: 1 } };
  const records = [packed("99", 0), dead, packed("99", 2)];
  await rig.task().turn({ kind: "records", records });
  await rig.task().turn({ kind: "records", records });
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows<SumRow>("sums")).toMatchObject([{ events: 2 }]);
  expect(rig.deadLetters()).toMatchObject([{ position: { sequence: "99", index: 1 } }]);
});

test("positions are ordered by their sequence as a number of any length, then by their index", () => {
  const positions = fc.record<Position & { readonly number: bigint }>({
    sequence: fc.constant(""),
    number: fc.oneof(fc.bigInt({ min: 0n, max: 12n }), fc.bigInt({ min: 0n, max: 2n ** 400n })),
    index: fc.integer({ min: -1, max: 3 }),
  });
  fc.assert(
    fc.property(positions, positions, (one, other) => {
      const [a, b] = [one, other].map(({ number, index }) => ({ sequence: String(number), index })) as [
        Position,
        Position,
      ];
      const expected = one.number === other.number ? one.index - other.index : one.number < other.number ? -1 : 1;
      expect(Math.sign(comparePositions(a, b))).toBe(Math.sign(expected));
    }),
  );
});
