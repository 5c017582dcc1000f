import fc from "fast-check";
import { collect, first, last, max, maxBy, min, minBy, topN } from "millrace";
import { describe, expect, test } from "vitest";
import { fold, open, reading, type Open, type Reading } from "./catalogue.ts";

const readings = fc.array(reading, { minLength: 1, maxLength: 30 });
const resultOf = <R>(aggregate: Open<R>, all: readonly Reading[]): R => aggregate.result(fold(aggregate, all));
const inTime = (all: readonly Reading[]) => all.toSorted((a, b) => a.time - b.time); // stable: then by arrival

/** A record's place among all, so that one can see which was chosen. */
const place = (all: readonly Reading[]) => (r: Reading) => all.indexOf(r);

describe("what is chosen by event time", () => {
  test("first: the least time; of several the first to arrive", () => {
    fc.assert(
      fc.property(readings, (all) => {
        expect(resultOf(open(first(place(all))), all)).toBe(all.indexOf(inTime(all)[0]!));
      }),
    );
  });

  test("last: the largest time; of several the last to arrive", () => {
    fc.assert(
      fc.property(readings, (all) => {
        expect(resultOf(open(last(place(all))), all)).toBe(all.indexOf(inTime(all).at(-1)!));
      }),
    );
  });

  test("collect: the earliest `max`, in the order of time, and then of arrival", () => {
    fc.assert(
      fc.property(readings, fc.integer({ min: 1, max: 10 }), (all, max) => {
        const expected = inTime(all).slice(0, max).map(place(all));
        expect(resultOf(open(collect(place(all), { max })), all)).toEqual(expected);
      }),
    );
  });
});

describe("what is chosen by rank", () => {
  for (const [name, by] of [
    ["numbers", (r: Reading) => r.whole],
    ["bigints", (r: Reading) => r.big],
    ["texts", (r: Reading) => r.text],
  ] as const) {
    const rank = by as (r: Reading) => string;
    const ranked = (all: readonly Reading[], sign: number) =>
      inTime(all).sort((a, b) => sign * (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0));

    test(`topN of ${name}: the largest; of equal ones the earliest, then the first to arrive`, () => {
      fc.assert(
        fc.property(readings, fc.integer({ min: 1, max: 10 }), (all, n) => {
          const expected = ranked(all, -1).slice(0, n).map(place(all));
          expect(resultOf(open(topN(n, { by: rank, value: place(all) })), all)).toEqual(expected);
        }),
      );
    });

    test(`minBy, maxBy, min and max of ${name} are the ends`, () => {
      fc.assert(
        fc.property(readings, (all) => {
          const [least, most] = [ranked(all, 1)[0]!, ranked(all, -1)[0]!];
          const value = place(all);
          expect(resultOf(open(minBy({ by: rank, value })), all)).toBe(value(least));
          expect(resultOf(open(maxBy({ by: rank, value })), all)).toBe(value(most));
          expect(resultOf(open(min(rank)), all)).toBe(rank(least));
          expect(resultOf(open(max(rank)), all)).toBe(rank(most));
        }),
      );
    });
  }

  test("what has no order is poison, and never in an accumulator", () => {
    const one = (value: unknown): Open => open(max(() => value as number));
    for (const value of [Number.NaN, Infinity, null, undefined, true, {}, new Date(0), "\ud800", 2n ** 63n])
      expect(() => fold(one(value), [{} as Reading])).toThrow(expect.objectContaining({ kind: "poison" }));
    const mixed = open(max((r) => (r.whole > 0 ? r.text : r.whole) as number));
    const kept = fold(mixed, [{ whole: 0 } as Reading]);
    expect(() => mixed.add(kept, mixed.input({ whole: 1, text: "a" } as Reading, 0))).toThrow(
      expect.objectContaining({ kind: "poison", code: "aggregate/mixed" }),
    );
    for (const by of [() => Number.NaN, () => null as unknown as number]) {
      expect(() => fold(open(topN(2, { by, value: () => 1 })), [{} as Reading])).toThrow(
        expect.objectContaining({ kind: "poison" }),
      );
    }
  });

  test("0 and −0 are equal: the earlier one is chosen", () => {
    const zeros = [0, -0].map((any, time) => ({ any, time }) as Reading);
    for (const all of [zeros, zeros.toReversed()])
      expect(resultOf(open(maxBy({ by: (r) => r.any, value: (r) => r.time })), all)).toBe(0);
  });
});

describe("chosen values", () => {
  const choosing: Record<string, (value: () => unknown) => Open> = {
    first: (value) => open(first(value)),
    last: (value) => open(last(value)),
    minBy: (value) => open(minBy({ by: (r) => r.time, value })),
    topN: (value) => open(topN(2, { by: (r) => r.time, value })),
    collect: (value) => open(collect(value, { max: 2 })),
  };
  test.each(Object.entries(choosing))("%s: what cannot be stored is poison", (_name, build) => {
    for (const value of [Number.NaN, new Map(), Symbol("s"), new Date(Number.NaN), 2n ** 64n])
      expect(() =>
        fold(
          build(() => value),
          [{ time: 1 } as Reading],
        ),
      ).toThrow(expect.objectContaining({ kind: "poison", code: "state/not-storable" }));
  });

  test.each(Object.entries(choosing))("%s: X7: the record may be changed after, and the row too", (_name, build) => {
    const record = { list: [1] };
    const aggregate = build(() => record);
    const kept = fold(aggregate, [{ time: 1 } as Reading]);
    record.list.push(2);
    const given = [aggregate.result(kept)].flat() as { list: number[] }[];
    expect(given).toEqual([{ list: [1] }]);
    given[0]!.list.push(3);
    expect([aggregate.result(kept)].flat()).toEqual([{ list: [1] }]);
  });
});
