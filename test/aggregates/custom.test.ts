import { custom } from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";

type Step = "nothing" | "in place" | "in place, then back" | "anew" | "throws";

interface Total {
  sum: number;
  parts: number[];
}

/** Keeps what it was given, and changes it whenever it is called again: what is kept must not notice. */
function meddling(steps: readonly Step[]) {
  const kept: Total[] = [];
  let calls = 0;
  return custom<number, Total, Total>({
    state: z.object({ sum: z.number(), parts: z.array(z.number()) }),
    init: () => ({ sum: 0, parts: [] }),
    add: (total, n) => {
      for (const other of kept) if (other !== total) other.parts.push(-1);
      kept.push(total);
      switch (steps[calls++]!) {
        case "nothing":
          return total;
        case "in place":
          total.sum += n;
          total.parts.push(n);
          return total;
        case "in place, then back":
          total.parts.push(n);
          total.parts.pop();
          return total;
        case "anew":
          return { sum: total.sum + n, parts: [...total.parts, n] };
        case "throws":
          total.parts.push(n);
          throw new Error("unlucky");
      }
    },
    merge: (a) => a,
    result: (total) => {
      for (const other of kept) other.parts.push(-1);
      return total;
    },
  }) as unknown as AggregateOf<number, number, Total, Total>;
}

test("X7: whatever a custom aggregate does with the accumulators it is given, those that are kept stay as they were", () => {
  const step = fc.constantFrom<Step>("nothing", "in place", "in place, then back", "anew", "throws");
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat(9), fc.nat(2)), { maxLength: 30 }), (all) => {
      const aggregate = meddling(all.map(([one]) => one));
      // Of three keys.
      const is = [0, 1, 2].map(() => aggregate.init());
      const wanted = [0, 1, 2].map((): Total => ({ sum: 0, parts: [] }));
      for (const [one, n, key] of all) {
        expect(is.map((total) => aggregate.result(total))).toStrictEqual(wanted);
        const before = wanted[key]!;
        if (one === "throws") expect(() => aggregate.add(is[key]!, n)).toThrow("unlucky");
        else is[key] = aggregate.add(is[key]!, n);
        if (one === "in place" || one === "anew") wanted[key] = { sum: before.sum + n, parts: [...before.parts, n] };
        expect(is).toStrictEqual(wanted);
      }
    }),
    { numRuns: 500 },
  );
});

test("an accumulator may be undefined, or a number or text alone", () => {
  const largest = custom<number, number | undefined, number | undefined>({
    state: z.number().optional(),
    init: () => undefined,
    add: (most, n) => (most === undefined || n > most ? n : most),
    merge: (a) => a,
    result: (most) => most,
  }) as unknown as AggregateOf<number, number, number | undefined, number | undefined>;
  expect([1, 3, 2, 3].reduce((most, n) => largest.add(most, n), largest.init())).toBe(3);
});
