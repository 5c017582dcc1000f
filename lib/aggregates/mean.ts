import { aggregate, finite, type Aggregate } from "./aggregate.ts";
import { addTo, EMPTY, mergeSums, total, type CompensatedSum } from "./compensated-sum.ts";

type Mean = readonly [count: number, ...sum: CompensatedSum];

/** The arithmetic mean of a number of each record, from a compensated sum. NaN or an infinity is poison. */
export const mean = <T>(field: (record: T) => number): Aggregate<T, number> =>
  aggregate({
    shape: "mean/1",
    input: finite("mean", field),
    init: (): Mean => [0, ...EMPTY],
    add: ([count, ...sum]: Mean, value: number): Mean => [count + 1, ...addTo(sum, value)],
    merge: ([n, ...a]: Mean, [m, ...b]: Mean): Mean => [n + m, ...mergeSums(a, b)],
    result: ([count, ...sum]: Mean) => total(sum) / count,
  });
