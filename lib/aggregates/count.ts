import { aggregate, type Aggregate } from "./aggregate.ts";

/** How many records: a whole number, exact up to 2^53. */
export const count = (): Aggregate<unknown, number> =>
  aggregate({
    shape: "count/1",
    input: () => 1,
    init: () => 0,
    add: (n: number) => n + 1,
    merge: (a: number, b: number) => a + b,
    result: (n: number) => n,
  });
