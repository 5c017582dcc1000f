import fc from "fast-check";
import { approxPercentile, approxPercentiles, type PercentileOptions } from "millrace";
import { describe, expect, test } from "vitest";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";

type Open<R> = AggregateOf<number, unknown, readonly unknown[] | null, R>;
const of = (quantile: number, options?: PercentileOptions) =>
  approxPercentile((x: number) => x, quantile, options) as unknown as Open<number>;
const fold = (aggregate: Open<unknown>, all: readonly number[]) =>
  all.reduce<readonly unknown[] | null>((kept, x) => aggregate.add(kept, aggregate.input(x, 0)), aggregate.init());

/** SQL's PERCENTILE_DISC, in whole numbers: the quantile is a number of thousandths. */
const percentile = (sorted: readonly number[], thousandths: number): number =>
  sorted[Math.max(1, Math.ceil((thousandths * sorted.length) / 1000)) - 1]!;

const ascending = (all: readonly number[]) => all.toSorted((a, b) => a - b);

/** Rounding of logarithms and powers, beside the accuracy. */
const ROUNDING = 1 + 1e-9;

/** Numbers closer to 0 count as 0. */
const LEAST_NORMAL = 2.2250738585072014e-308;

const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1000, max: 1000, noNaN: true }),
  fc.integer({ min: -50, max: 50 }),
  fc.integer({ min: -300, max: 300 }).map((exponent) => 10 ** exponent),
  fc.constantFrom(1, -1, 0.98, 1.02, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324),
);

describe("percentiles", () => {
  test("whatever comes first, the bin next to 1 has the same key: 0, and not −0", () => {
    const [just, one] = [0.9801980198019803, 1];
    expect(fold(of(0.5), [just, one])).toStrictEqual(fold(of(0.5), [one, just]));
    expect(fold(of(0.5), [just])?.[4]).toStrictEqual([0, 1]);
  });

  test("are within the accuracy of the exact one", () => {
    fc.assert(
      fc.property(
        fc.array(anyNumber, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.constantFrom(0.001, 0.01, 0.05, 0.2),
        (all, thousandths, accuracy) => {
          const aggregate = of(thousandths / 1000, { accuracy });
          const expected = percentile(ascending(all), thousandths);
          const error = Math.abs(aggregate.result(fold(aggregate, all)) - expected);
          expect(error).toBeLessThanOrEqual(Math.max(accuracy * Math.abs(expected) * ROUNDING, LEAST_NORMAL));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("hold at the ends of bins, where a number's bin is a matter of its last bit", () => {
    const gamma = 1.01 / 0.99;
    for (let key = -2000; key <= 2000; key++) {
      const value = gamma ** key;
      for (const near of [value * (1 - 2 ** -53), value, value * (1 + 2 ** -52)]) {
        const aggregate = of(0.5);
        const estimate = aggregate.result(fold(aggregate, [near / 10, near, near * 10]));
        expect(Math.abs(estimate - near) / near).toBeLessThanOrEqual(0.01 * ROUNDING);
      }
    }
  });

  test("of a long tail hold: 100,000 numbers over twelve decades", () => {
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const all = Array.from({ length: 100_000 }, () => 10 ** (12 * random() - 6));
    const sorted = ascending(all);
    const kept = fold(of(0.5, { bins: 2048 }), all);
    for (const thousandths of [0, 1, 10, 250, 500, 750, 900, 990, 999, 1000]) {
      const expected = percentile(sorted, thousandths);
      const estimate = of(thousandths / 1000, { bins: 2048 }).result(kept);
      expect(Math.abs(estimate - expected) / expected).toBeLessThanOrEqual(0.01 * ROUNDING);
    }
  });

  test("with too few bins are wrong only near 0, and the accumulator is bounded", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 150, maxLength: 400 }),
        fc.integer({ min: 0, max: 1000 }),
        (all, thousandths) => {
          const options = { accuracy: 0.001, bins: 64 };
          const aggregate = of(thousandths / 1000, options);
          const kept = fold(aggregate, all)!;
          const [negative, positive] = [kept[3], kept[4]] as [number[], number[]];
          expect(Math.max(negative.length, positive.length)).toBeLessThanOrEqual(2 * options.bins);
          const sorted = ascending(all);
          const place = Math.max(1, Math.ceil((thousandths * all.length) / 1000)) - 1;
          // The 63 numbers furthest from 0 have 63 bins at most, none of which is shared with what is nearer.
          const zero = sorted.findIndex((x) => x >= 0);
          const below = zero === -1 ? all.length : zero;
          const isFar = sorted[place]! < 0 ? place < Math.min(63, below) : place >= Math.max(all.length - 63, below);
          if (!isFar) return;
          const error = Math.abs(aggregate.result(kept) - sorted[place]!);
          expect(error).toBeLessThanOrEqual(Math.max(0.001 * Math.abs(sorted[place]!) * ROUNDING, LEAST_NORMAL));
        },
      ),
    );
  });

  test("of ranks that decimals round to are the rank that is meant: 0.07 of 100 is the seventh", () => {
    const all = Array.from({ length: 100 }, (_, i) => 2 ** i);
    for (let hundredths = 1; hundredths <= 100; hundredths++) {
      const aggregate = of(hundredths / 100);
      const estimate = aggregate.result(fold(aggregate, all));
      expect(Math.round(Math.log2(estimate))).toBe(hundredths - 1);
    }
  });

  test("several come from one accumulator", () => {
    const all = Array.from({ length: 1000 }, (_, i) => i + 1);
    const several = approxPercentiles((x: number) => x, {
      least: 0,
      median: 0.5,
      p99: 0.99,
      most: 1,
    }) as unknown as Open<Record<string, number>>;
    const kept = fold(several, all);
    expect(several.shape).toBe(of(0.5).shape);
    expect(several.result(kept)).toEqual({
      least: 1,
      median: of(0.5).result(kept),
      p99: of(0.99).result(kept),
      most: 1000,
    });
  });
});
