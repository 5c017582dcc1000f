import { aggregate, finite, type Aggregate } from "./aggregate.ts";
import { addTo, EMPTY, mergeSums, total, type CompensatedSum } from "./compensated-sum.ts";

/**
 * The sum of a number of each record, compensated: adding 1e16, 1 and −1e16 gives 1.
 *
 * NaN or an infinity is poison; a sum beyond 1.8e308 is refused by the sink when the window closes.
 */
export const sum = <T>(field: (record: T) => number): Aggregate<T, number> =>
  aggregate({
    shape: "sum/1",
    input: finite("sum", field),
    init: (): CompensatedSum => EMPTY,
    add: addTo,
    merge: mergeSums,
    result: total,
  });
