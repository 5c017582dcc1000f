import { aggregate, restoring, type Aggregate } from "./aggregate.ts";
import { compareRanked, isRanked, rankedInput, type Ranked, type RankedBy } from "./ranked.ts";
import { chosenCopy } from "./chosen.ts";

const extremeBy = <T, V>(name: string, sign: number, { by, value }: RankedBy<T, V>) => {
  const compare = compareRanked<V>(name, sign);
  const either = (a: Ranked<V> | null, b: Ranked<V> | null): Ranked<V> | null =>
    a === null ? b : b === null || compare(a, b) <= 0 ? a : b;
  return aggregate<T, Ranked<V>, Ranked<V> | null, V>({
    shape: `${name}/1`,
    input: rankedInput(name, by, value),
    init: () => null,
    add: either,
    merge: either,
    result: (ranked) => chosenCopy(name, ranked![2]),
    restore: restoring("a value with its rank and time", (stored) => stored === null || isRanked(stored)),
  });
};

/**
 * The chosen value of the record that has least of a number, a bigint or a text. Of records that are equal it is the one
 * with the earlier event time, and then the one that arrived first.
 *
 * Accumulator: the value, what it is ranked by, and 10 bytes.
 *
 * @example
 * const quickest = minBy({ by: (d: Departure) => d.delay, value: (d) => d.destination });
 */
export const minBy = <T, V>(ranked: RankedBy<T, V>): Aggregate<T, V> => extremeBy("minBy", -1, ranked);

/**
 * The chosen value of the record that has most of a number, a bigint or a text. Of records that are equal it is the one
 * with the earlier event time, and then the one that arrived first.
 *
 * Accumulator: the value, what it is ranked by, and 10 bytes.
 *
 * @example
 * const slowest = maxBy({ by: (d: Departure) => d.delay, value: (d) => ({ to: d.destination, delay: d.delay }) });
 */
export const maxBy = <T, V>(ranked: RankedBy<T, V>): Aggregate<T, V> => extremeBy("maxBy", 1, ranked);
