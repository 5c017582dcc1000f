import { session } from "millrace";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { SessionSet } from "../../lib/operators/session-set.ts";
import { Journal } from "../../lib/state/journal.ts";
import { KeyedTable } from "../../lib/state/keyed-table.ts";
import { SortedNumbers } from "../../lib/state/sorted-numbers.ts";
import { folding } from "../support/folding.ts";
import { windowed } from "../support/windowed.ts";

test("sorted numbers are a sorted set, whatever comes and goes", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -900, max: 900 })), {
    maxLength: 3_000,
    size: "max",
  });
  fc.assert(
    fc.property(steps, fc.integer({ min: -901, max: 901 }), (all, above) => {
      const numbers = new SortedNumbers();
      const model = new Set<number>();
      for (const [comes, n] of all) {
        numbers[comes ? "add" : "delete"](n);
        model[comes ? "add" : "delete"](n);
      }
      const sorted = [...model].sort((a, b) => a - b);
      expect([...numbers]).toEqual(sorted);
      expect([numbers.size, numbers.first, numbers.last]).toEqual([sorted.length, sorted[0], sorted.at(-1)]);
      expect([...numbers.above(above)]).toEqual(sorted.filter((n) => n > above));
      expect(numbers.firstAbove(above)).toBe(sorted.find((n) => n > above));
    }),
    { numRuns: 50 },
  );
});

const ORDERS: Readonly<Record<string, (i: number) => number>> = {
  ascending: (i) => i,
  descending: (i) => -i,
  mixed: (i) => (i * 1_237) % 4_000,
};

test.each(Object.keys(ORDERS))("a record reads no more of a key that has many sessions: %s", (order) => {
  const reads = vi.spyOn(KeyedTable.prototype, "get");
  try {
    const { push, sizeOf } = folding(windowed(session({ gap: { millis: 5 } }), { disorder: 1_000_000_000 }));
    for (let i = 0; i < 4_000; i++) push({ key: "a", time: ORDERS[order]!(i) * 10, n: i } as never);
    expect(sizeOf("w")).toBe(4_000);
    expect(reads.mock.calls.length).toBeLessThan(5 * 4_000);
  } finally {
    reads.mockRestore();
  }
});

test.each(Object.keys(ORDERS))(
  "what is aggregated before a shuffle looks at no more sessions than it meets: %s",
  (order) => {
    let looks = 0;
    const windowAt = (start: number) => ({
      get start() {
        looks++;
        return start;
      },
      end: start + 5,
    });
    const sessions = new SessionSet<number>(new Journal());
    for (let i = 0; i < 4_000; i++) {
      const window = windowAt(ORDERS[order]!(i) * 10);
      expect(sessions.overlapping(window)).toEqual([]);
      sessions.put({ window, content: i });
    }
    expect([...sessions]).toHaveLength(4_000);
    expect(looks).toBeLessThan(5 * 4_000);
  },
);
