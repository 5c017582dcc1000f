import { aggregate, finite, inRange, isCount, restoring, type Aggregate } from "./aggregate.ts";
import { addTo, EMPTY, isCompensatedSum, mergeSums, total, type CompensatedSum } from "./compensated-sum.ts";

type Mean = readonly [count: number, ...sum: CompensatedSum];

/**
 * The arithmetic mean of a number of each record, from a compensated sum. NaN or an infinity is poison, and so is the
 * record with which the sum leaves the range of numbers. Accumulator: three numbers, at most 28 bytes.
 */
export const mean = <T>(field: (record: T) => number): Aggregate<T, number> =>
  aggregate({
    shape: "mean/1",
    input: finite("mean", field),
    init: (): Mean => [0, ...EMPTY],
    add: ([count, ...sum]: Mean, value: number): Mean => inRange("mean", [count + 1, ...addTo(sum, value)]),
    merge: ([n, ...a]: Mean, [m, ...b]: Mean): Mean => inRange("mean", [n + m, ...mergeSums(a, b)]),
    result: ([count, ...sum]: Mean) => total(sum) / count,
    restore: restoring("a mean", (stored) => {
      if (!Array.isArray(stored)) return false;
      const [count, ...sum] = stored as unknown[];
      return isCount(count) && isCompensatedSum(sum);
    }),
  });
