import fc from "fast-check";
import { stddevPop, stddevSamp, varPop, varSamp } from "millrace";
import { describe, expect, test } from "vitest";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";
import { exactly, SCALE } from "./exact-doubles.ts";

type Numeric = AggregateOf<number, unknown, unknown, number | undefined>;
const [population, sample, deviation, sampleDeviation] = [varPop, varSamp, stddevPop, stddevSamp].map(
  (one) => one((x: number) => x) as unknown as Numeric,
) as [Numeric, Numeric, Numeric, Numeric];

const fold = (values: readonly number[]): unknown =>
  values.reduce<unknown>((kept, x) => population.add(kept, population.input(x, 0)), population.init());
const inParts = (values: readonly number[], size: number): unknown => {
  let merged = population.init();
  for (let i = 0; i < values.length; i += size) merged = population.merge(merged, fold(values.slice(i, i + size)));
  return merged;
};

/** Σ (x − mean)² / divisor, rounded once. */
function reference(values: readonly number[], divisor: number): number {
  const n = BigInt(values.length);
  const exact = values.map(exactly);
  const total = exact.reduce((a, b) => a + b, 0n);
  const squares = exact.reduce((a, b) => a + b * b, 0n);
  // (n Σx² − (Σx)²) / (n · divisor), in units of 2^−2148
  return quotient(n * squares - total * total, (n * BigInt(divisor)) << (2n * SCALE));
}

/** A quotient of bigints as the double it is, to the last bit but one. */
function quotient(a: bigint, b: bigint): number {
  if (a === 0n) return 0;
  const shift = BigInt(a.toString(2).length - b.toString(2).length - 64);
  const mantissa = shift > 0n ? a / (b << shift) : (a << -shift) / b;
  return Number(mantissa) * 2 ** Math.trunc(Number(shift) / 2) * 2 ** (Number(shift) - Math.trunc(Number(shift) / 2));
}

function expectClose(actual: number | undefined, expected: number, error: number): void {
  expect(Math.abs(actual! - expected) / (expected || 1)).toBeLessThanOrEqual(error);
}

const moderate = fc.double({ min: -1e60, max: 1e60, noNaN: true }).filter((x) => x === 0 || Math.abs(x) > 1e-60);
/** Numbers whose distances are nothing beside themselves: what cancels in Σx² − (Σx)²/n, and loses bits in Welford's. */
const offset = fc
  .tuple(
    fc.constantFrom(1e9, -1e9, 1e12, 1e15, 2 ** 52, 1e-30, 1e100),
    fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 60 }),
  )
  .map(([base, steps]) => steps.map((step) => base + step * Math.abs(base) * Number.EPSILON));
const small = fc
  .tuple(fc.constantFrom(1e9, -1e9, 1e12), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2 }))
  .map(([base, parts]) => parts.map((part) => base + part));
const values = fc.oneof(fc.array(moderate, { minLength: 2, maxLength: 60 }), offset, small);

describe("variance", () => {
  test("is what exact arithmetic gives, to 1e-14, however the numbers lie and are cut", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 20 }), (all, size) => {
        for (const kept of [fold(all), inParts(all, size), inParts(all.toReversed(), size)]) {
          expectClose(population.result(kept), reference(all, all.length), 1e-14);
          expectClose(sample.result(kept), reference(all, all.length - 1), 1e-14);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("does not drift: 200,000 numbers around 1e9, in parts of any size", () => {
    let seed = 1;
    const all = Array.from({ length: 200_000 }, () => 1e9 + (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647);
    const expected = reference(all, all.length);
    for (const size of [1, 7, 1000, all.length]) expectClose(population.result(inParts(all, size)), expected, 1e-14);
  });

  test("of equal numbers is 0, to the last bit, whatever they are", () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        (x, n, size) => {
          expect(population.result(inParts(Array<number>(n).fill(x), size))).toBe(0);
        },
      ),
    );
  });

  test("deviations are its roots; of one record a sample has none", () => {
    const kept = fold([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(population.result(kept)).toBe(4);
    expect(deviation.result(kept)).toBe(2);
    expect(sample.result(kept)).toBe(32 / 7);
    expect(sampleDeviation.result(kept)).toBe(Math.sqrt(32 / 7));
    const one = fold([3]);
    expect([population, sample, deviation, sampleDeviation].map(({ result }) => result(one))).toEqual([
      0,
      undefined,
      0,
      undefined,
    ]);
  });

  test("a record that makes it overflow is poison, and the accumulator stays", () => {
    const kept = fold([1e200]);
    expect(() => population.add(kept, population.input(-1e200, 0))).toThrow(
      expect.objectContaining({ kind: "poison", code: "aggregate/overflow" }),
    );
    expect(population.result(population.add(kept, population.input(1e200, 0)))).toBe(0);
  });
});
