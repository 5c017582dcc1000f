import fc from "fast-check";
import { approxDistinct, distinct } from "millrace";
import { describe, expect, test } from "vitest";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";
import { estimate } from "../../lib/aggregates/hyperloglog.ts";

type Open<R> = AggregateOf<unknown, unknown, Uint8Array, R>;
const exactly = (max: number) => distinct((x: string) => x, { max }) as unknown as Open<number | undefined>;
const about = (standardError?: number) =>
  approxDistinct((x: string) => x, standardError === undefined ? {} : { standardError }) as unknown as Open<number>;
const fold = <R>(aggregate: Open<R>, all: Iterable<unknown>): Uint8Array => {
  let kept = aggregate.init();
  for (const x of all) kept = aggregate.add(kept, aggregate.input(x, 0));
  return kept;
};

const value = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 2 }),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -3n, max: 3n }),
  fc.boolean(),
  fc.constantFrom("1", 1, 1n, "true", true, -0, 0, "", "0"),
);
const numberOf = (all: readonly unknown[]): number => new Set(all).size; // 0 and −0 are one, 1 and "1" are not

describe("distinct", () => {
  test("is exact up to its maximum, and undefined beyond", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (all, max) => {
        const expected = numberOf(all);
        expect(exactly(max).result(fold(exactly(max), all))).toBe(expected > max ? undefined : expected);
      }),
    );
  });
});

describe("approxDistinct", () => {
  test("is exact while values are few", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 80 }), (all) => {
        expect(about().result(fold(about(), all))).toBe(numberOf(all));
      }),
    );
    expect(about().result(fold(about(), Array(682).keys()))).toBe(682);
    expect(fold(about(), Array(682).keys())).toHaveLength(6 * 682);
    expect(fold(about(), Array(683).keys())).toHaveLength(4096);
  });

  // Standard errors are of the mean over many sets: here sets that differ by a prefix. 4.5 of them are never exceeded.
  for (const [standardError, registers, sizes, sets] of [
    [0.065, 256, [43, 200, 500, 1000, 5000], 60],
    [0.02, 4096, [683, 2000, 10_000, 30_000], 10],
    [0.0041, 65_536, [11_000, 40_000], 1],
  ] as const) {
    test(`with ${registers} registers errs as it says: ${1.04 / Math.sqrt(registers)} of the count`, () => {
      const aggregate = about(standardError);
      const bound = 1.04 / Math.sqrt(registers);
      for (const size of sizes) {
        let squares = 0;
        for (let set = 0; set < sets; set++) {
          const kept = fold(
            aggregate,
            (function* () {
              for (let i = 0; i < size; i++) yield `${set}/${i}`;
            })(),
          );
          expect(kept).toHaveLength(registers);
          const error = aggregate.result(kept) / size - 1;
          expect(Math.abs(error)).toBeLessThan(4.5 * bound + 0.5 / size);
          squares += error * error;
        }
        // The root mean square of so many errors is itself spread by 1/√(2 sets) of itself; three times that.
        expect(Math.sqrt(squares / sets)).toBeLessThan(bound * (1 + 3 / Math.sqrt(2 * sets)) + 0.5 / size);
      }
    });
  }

  test("estimates without bias over the whole range, from nearly empty registers to full ones", () => {
    const [size, bits] = [4096, 36];
    for (let n = 700; n < 2 ** 48; n *= 1.7) {
      // The registers as n values leave them on average: P(register ≤ k) = exp(−n / (size 2^k)), and bits + 1 is the most.
      const registers = Uint8Array.from({ length: size }, (_, i) => {
        const k = Math.ceil(Math.log2(-n / size / Math.log((i + 0.5) / size)));
        return k > bits ? bits + 1 : Math.max(k, 0);
      });
      expect(Math.abs(estimate(registers, 12) / n - 1), String(n)).toBeLessThan(0.002);
    }
  });

  test("does not mind how often a value comes", () => {
    const all = Array.from({ length: 3000 }, (_, i) => i);
    expect(fold(about(), [...all, ...all])).toEqual(fold(about(), all));
  });

  test("a value that is known makes no new accumulator", () => {
    for (const size of [10, 5000]) {
      const kept = fold(about(), Array(size).keys());
      for (let known = 0; known < size; known++) expect(about().add(kept, about().input(known, 0))).toBe(kept);
    }
  });

  test("what comes out of storage is on its own bytes, and what is no sketch is refused", () => {
    const { restore } = about();
    const whole = Buffer.alloc(10_000);
    const stored = whole.subarray(100, 100 + 4096);
    const restored = restore!(stored);
    expect(restored.buffer.byteLength).toBe(4096);
    expect(Object.getPrototypeOf(restored)).toBe(Uint8Array.prototype);
    const unsorted = Uint8Array.from([0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1]);
    for (const wrong of [
      new Uint8Array(7),
      new Uint8Array(4098),
      new Uint8Array(4096).fill(60),
      unsorted,
      [],
      "",
      null,
    ])
      expect(() => restore!(wrong)).toThrow("it is not a sketch");
  });
});

test.each([
  ["distinct", exactly(5)],
  ["approxDistinct", about()],
])("%s: what cannot be told apart is poison", (_name, aggregate) => {
  for (const one of [Number.NaN, Infinity, null, undefined, {}, [], new Date(0), Symbol("s"), "\ud800", 2n ** 63n])
    expect(() => aggregate.input(one, 0)).toThrow(expect.objectContaining({ kind: "poison" }));
});
