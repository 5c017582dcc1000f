import { poisonError } from "../errors.ts";
import { restoring, totalAggregate, type TotalAggregate } from "./aggregate.ts";
import { addDecimals, DECIMAL } from "./decimal.ts";

/**
 * The exact sum of a bigint of each record, of any size: money in its smallest unit, which a number's 2^53 may not hold.
 * A lake's `bigint` column takes 64 bits. Anything but a bigint is poison.
 *
 * Accumulator: the sum's decimal digits (storage has bigints of 64 bits only).
 *
 * @example
 * const cents = sumExact((payment: { cents: bigint }) => payment.cents);
 */
export const sumExact = <T>(field: (record: T) => bigint): TotalAggregate<T, bigint> =>
  totalAggregate<T, bigint, string, bigint>({
    shape: "sum-exact/1",
    input: (record) => {
      const value = field(record);
      if (typeof value === "bigint") return value;
      throw poisonError({
        code: "aggregate/not-exact",
        message: `sumExact() was given a ${typeof value}, not a bigint.`,
      });
    },
    init: () => "0",
    add: (sum, value) => String(BigInt(sum) + value),
    merge: (a, b) => String(BigInt(a) + BigInt(b)),
    result: (sum) => BigInt(sum),
    ofNone: () => 0n,
    restore: restoring("a whole number's digits", (stored) => typeof stored === "string" && /^-?\d+$/.test(stored)),
  });

/** As many digits as SQL's largest DECIMAL. */
const MOST_DIGITS = 38;

/**
 * The exact sum of a decimal number of each record, written as text: "12.50". The sum has as many digits after the point as
 * the record that has most. Anything but such a text of at most 38 digits is poison.
 *
 * Accumulator: the sum's decimal digits.
 *
 * @example
 * const revenue = sumDecimal((order: { total: string }) => order.total);
 */
export const sumDecimal = <T>(field: (record: T) => string): TotalAggregate<T, string> =>
  totalAggregate<T, string, string, string>({
    shape: "sum-decimal/1",
    input: (record) => {
      const value = field(record);
      if (typeof value === "string" && value.length <= MOST_DIGITS + 2 && DECIMAL.test(value)) return value;
      throw poisonError({
        code: "aggregate/not-exact",
        message: "sumDecimal() was given what is no decimal number of at most 38 digits.",
        advice: 'Give it a text such as "12.50": no exponent, no plus sign, a digit before the point.',
      });
    },
    init: () => "0",
    add: addDecimals,
    merge: addDecimals,
    result: (sum) => sum,
    ofNone: () => "0",
    restore: restoring("a decimal number", (stored) => typeof stored === "string" && DECIMAL.test(stored)),
  });
