import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dividedBy, minus, plus, times, type DoubleDouble } from "../../lib/aggregates/double-double.ts";
import { exactly, SCALE } from "./exact-doubles.ts";

/** Two doubles, the second of which lies below the last bit of the first. */
const number = fc
  .tuple(
    fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.constantFrom(1, -1, 0, 3, 2 ** 40, 1 + 2 ** -52)),
    fc.double({ min: -0.5, max: 0.5, noNaN: true }),
    fc.integer({ min: 53, max: 70 }),
  )
  .filter(([high]) => high === 0 || Math.abs(high) > 1e-9)
  .map(([high, part, bits]): DoubleDouble => [high, Math.round(part * 2 ** 30) * 2 ** -30 * high * 2 ** -bits]);

const valueOf = ([high, low]: DoubleDouble): bigint => exactly(high) + exactly(low);

/** Within 2^−100 of the exact value, which is given with 2^−1074 as its unit. */
function expectNear(actual: DoubleDouble, exact: bigint): void {
  const error = valueOf(actual) - exact;
  const size = exact < 0n ? -exact : exact;
  expect((error < 0n ? -error : error) << 100n).toBeLessThanOrEqual(size);
}

describe("numbers of twice the precision", () => {
  test("are added and subtracted to 100 bits, after cancellation too", () => {
    fc.assert(
      fc.property(number, number, fc.boolean(), (a, b, cancels) => {
        const other: DoubleDouble = cancels ? [-a[0], b[1] % Math.abs(a[0] * 2 ** -53 || 1)] : b;
        expectNear(plus(a, other), valueOf(a) + valueOf(other));
        expectNear(minus(a, other), valueOf(a) - valueOf(other));
      }),
      { numRuns: 5000 },
    );
  });

  test("are multiplied, and divided by a number, to 100 bits", () => {
    fc.assert(
      fc.property(number, number, fc.integer({ min: 1, max: 1e9 }), (a, b, n) => {
        expectNear(times(a, b), (valueOf(a) * valueOf(b)) >> SCALE);
        expectNear(dividedBy(a, n), valueOf(a) / BigInt(n));
      }),
      { numRuns: 5000 },
    );
  });
});
