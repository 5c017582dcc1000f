import { isCount, restoring, totalAggregate, type TotalAggregate } from "./aggregate.ts";

/** How many records: a whole number, exact up to 2^53. Accumulator: a number, at most 9 bytes. */
export const count = (): TotalAggregate<unknown, number> =>
  totalAggregate({
    shape: "count/1",
    input: () => 1,
    init: () => 0,
    add: (n: number) => n + 1,
    merge: (a: number, b: number) => a + b,
    result: (n: number) => n,
    ofNone: () => 0,
    restore: restoring("a count", isCount),
  });
