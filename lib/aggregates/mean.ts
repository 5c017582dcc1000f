import { aggregate, finite, inRange, isCount, restoring, type Aggregate } from "./aggregate.ts";
import { EMPTY, isCompensatedSum, lostIn, mergeSums, total, type CompensatedSum } from "./compensated-sum.ts";

type Mean = readonly [count: number, ...sum: CompensatedSum];

/** One for all: it is never changed in place. */
const OF_NONE: Mean = [0, ...EMPTY];

/**
 * The arithmetic mean of a number of each record, from a compensated sum. NaN or an infinity is poison, and so is the
 * record with which the sum leaves the range of numbers. Accumulator: three numbers, at most 28 bytes.
 */
export const mean = <T>(field: (record: T) => number): Aggregate<T, number> =>
  aggregate({
    shape: "mean/1",
    input: finite("mean", field),
    init: () => OF_NONE,
    add: (mean: Mean, value: number): Mean => {
      const next = mean[1] + value;
      return inRange("mean", [mean[0] + 1, next, mean[2] + lostIn(mean[1], value, next)]);
    },
    merge: ([n, ...a]: Mean, [m, ...b]: Mean): Mean => inRange("mean", [n + m, ...mergeSums(a, b)]),
    result: (mean: Mean) => total([mean[1], mean[2]]) / mean[0],
    restore: restoring("a mean", (stored) => {
      if (!Array.isArray(stored)) return false;
      const [count, ...sum] = stored as unknown[];
      return isCount(count) && isCompensatedSum(sum);
    }),
  });
