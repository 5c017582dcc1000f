import fc from "fast-check";
import { mean, sum, sumDecimal, sumExact } from "millrace";
import { describe, expect, test } from "vitest";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";

type Open<T, R> = AggregateOf<T, unknown, unknown, R>;
const exact = sumExact((x: bigint) => x) as unknown as Open<unknown, bigint>;
const decimal = sumDecimal((x: string) => x) as unknown as Open<unknown, string>;
const fold = <R>(aggregate: Open<unknown, R>, values: readonly unknown[]): R =>
  aggregate.result(values.reduce<unknown>((kept, x) => aggregate.add(kept, aggregate.input(x, 0)), aggregate.init()));

describe("exact sums", () => {
  test("sumExact is the sum of bigints, of any size", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n })), (all) => {
        expect(fold(exact, all)).toBe(all.reduce((a, b) => a + b, 0n));
      }),
    );
    expect(fold(exact, [2n ** 53n, 1n])).toBe(9_007_199_254_740_993n);
  });

  test("sumDecimal is the sum of decimals, with the most digits after the point that one has", () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 12n });
    const sign = fc.constantFrom("", "-");
    fc.assert(
      fc.property(fc.array(fc.tuple(sign, digits, fc.stringMatching(/^\d{0,9}$/))), (all) => {
        const texts = all.map(([minus, whole, part]) => `${minus}${whole}${part === "" ? "" : `.${part}`}`);
        const scale = Math.max(0, ...all.map(([, , part]) => part.length));
        const units = all.map(
          ([minus, whole, part]) => BigInt(`${whole}${part.padEnd(scale, "0")}`) * (minus ? -1n : 1n),
        );
        const result = fold(decimal, texts);
        expect(BigInt(result.replace(".", ""))).toBe(units.reduce((a, b) => a + b, 0n));
        expect(result.split(".")[1]?.length ?? 0).toBe(scale);
        expect(result).toMatch(/^(?:-(?!0*\.?0*$))?(?:0|[1-9]\d*)(?:\.\d+)?$/); // no −0, no leading zeros
      }),
    );
    expect(fold(decimal, ["0.1", "0.2"])).toBe("0.3");
    expect(fold(decimal, ["1.10", "-2"])).toBe("-0.90");
    expect(fold(decimal, ["-0.00", "-0"])).toBe("0.00");
    expect(fold(decimal, ["007"])).toBe("7");
  });

  test.each([1, 1.5, "1", null, undefined, Number.NaN, {}])("sumExact: %s is poison", (value) => {
    expect(() => exact.input(value, 0)).toThrow(
      expect.objectContaining({ kind: "poison", code: "aggregate/not-exact" }),
    );
  });

  test.each([
    "",
    "-",
    ".5",
    "5.",
    "1e3",
    "+1",
    "1,5",
    " 1",
    "1\n",
    "NaN",
    "Infinity",
    "0x1",
    "1".repeat(60),
    1,
    1n,
    null,
  ])("sumDecimal: %j is poison".replace("%j", "%s"), (value) => {
    expect(() => decimal.input(value, 0)).toThrow(
      expect.objectContaining({ kind: "poison", code: "aggregate/not-exact" }),
    );
  });
});

describe.each(["sum", "mean"] as const)("%s", (name) => {
  const aggregate = { sum, mean }[name]((x: number) => x) as unknown as Open<unknown, number>;

  test("the record with which it leaves the range of numbers is poison", () => {
    expect(() => fold(aggregate, [1.7e308, 1.7e308])).toThrow(
      expect.objectContaining({ kind: "poison", code: "aggregate/overflow" }),
    );
    expect(fold(aggregate, [1.7e308, -1.7e308])).toBe(0);
  });

  test("what rounding loses is not lost when parts are merged, whichever holds it", () => {
    const part = (...values: number[]): unknown =>
      values.reduce<unknown>((kept, x) => aggregate.add(kept, aggregate.input(x, 0)), aggregate.init());
    const ofThree = (kept: unknown): number => aggregate.result(kept) * (name === "mean" ? 3 : 1);
    expect(ofThree(aggregate.merge(part(1e16, 3), part(-1e16)))).toBe(3);
    expect(ofThree(aggregate.merge(part(-1e16), part(1e16, 3)))).toBe(3);
    expect(ofThree(aggregate.merge(part(3), part(1e16, -1e16)))).toBe(3);
  });

  test.each([Number.NaN, Infinity, -Infinity, "1", null, undefined, 1n])("%s is poison", (value) => {
    expect(() => aggregate.input(value, 0)).toThrow(
      expect.objectContaining({ kind: "poison", code: "aggregate/not-finite" }),
    );
  });
});
