import { checkSetting, restoring, totalAggregate, type TotalAggregate } from "./aggregate.ts";
import { insert, isSorted, mergeLists } from "./bounded-list.ts";
import { compareRanked, isRanked, rankedInput, type Ranked, type RankedBy } from "./ranked.ts";
import { chosenCopy } from "./chosen.ts";

/** As many as a row can sensibly hold. */
const MOST = 1000;

/**
 * The chosen values of the `n` records that have most of a number, a bigint or a text; the largest first. Of records
 * that are equal the one with the earlier event time comes first, and then the one that arrived first.
 *
 * Accumulator: up to `n` times the value, and 20 bytes.
 *
 * @param n from 1 to 1,000
 * @throws definition error `aggregate/setting`
 * @example
 * const worst = topN(3, { by: (d: Departure) => d.delay, value: (d) => d.destination });
 */
export function topN<T, V>(n: number, { by, value }: RankedBy<T, V>): TotalAggregate<T, readonly V[]> {
  checkSetting("topN", "n", n, MOST);
  const compare = compareRanked<V>("topN", 1);
  return totalAggregate<T, Ranked<V>, readonly Ranked<V>[], readonly V[]>({
    shape: `top-n/1 ${n}`,
    input: rankedInput("topN", by, value),
    init: () => [],
    add: (top, entry) => insert(top, entry, compare, n),
    merge: (a, b) => mergeLists(a, b, compare, n),
    result: (top) => top.map(([, , chosen]) => chosenCopy("topN", chosen)),
    ofNone: () => [],
    restore: restoring(
      `a list of at most ${n} in the order of rank`,
      (stored) => Array.isArray(stored) && stored.length <= n && stored.every(isRanked) && isSorted(stored, compare),
    ),
  });
}
