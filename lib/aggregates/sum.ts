import { finite, inRange, restoring, totalAggregate, type TotalAggregate } from "./aggregate.ts";
import { addTo, EMPTY, isCompensatedSum, mergeSums, total, type CompensatedSum } from "./compensated-sum.ts";

/**
 * The sum of a number of each record, compensated: adding 1e16, 1 and −1e16 gives 1.
 *
 * NaN or an infinity is poison, and so is the record with which the sum leaves the range of numbers.
 * Accumulator: two numbers, at most 19 bytes.
 */
export const sum = <T>(field: (record: T) => number): TotalAggregate<T, number> =>
  totalAggregate({
    shape: "sum/1",
    input: finite("sum", field),
    init: (): CompensatedSum => EMPTY,
    add: (accumulator: CompensatedSum, value: number) => inRange("sum", addTo(accumulator, value)),
    merge: (a: CompensatedSum, b: CompensatedSum) => inRange("sum", mergeSums(a, b)),
    result: total,
    ofNone: () => 0,
    restore: restoring("a sum", isCompensatedSum),
  });
