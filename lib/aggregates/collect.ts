import { checkSetting, restoring, totalAggregate, type TotalAggregate } from "./aggregate.ts";
import { insert, isSorted, mergeLists } from "./bounded-list.ts";
import { chosenCopy } from "./chosen.ts";

type At<V> = readonly [time: number, value: V];

/** With more, a window's commit is better given up for a join or a sink of its own. */
const MOST = 10_000;

const byTime = (a: At<unknown>, b: At<unknown>): number => a[0] - b[0];

/**
 * The records' chosen values in the order of event time; of one event time, in the order of arrival.
 *
 * At most `max` are kept, those with the earliest event times; what is beyond is left out. That a list is not whole shows
 * beside a `count()`, which counts all. Accumulator: up to `max` times the value, and 10 bytes; it is written with every
 * commit that adds to it.
 *
 * @param value anything that can be stored: see {@link custom}
 * @param options max: from 1 to 10,000
 * @throws definition error `aggregate/setting`
 * @example
 * const destinations = collect((d: Departure) => d.destination, { max: 100 });
 */
export function collect<T, V>(
  value: (record: T) => V,
  { max }: { readonly max: number },
): TotalAggregate<T, readonly V[]> {
  checkSetting("collect", "max", max, MOST);
  return totalAggregate<T, At<V>, readonly At<V>[], readonly V[]>({
    shape: `collect/1 ${max}`,
    input: (record, time) => [time, chosenCopy("collect", value(record))],
    init: () => [],
    add: (list, entry) => insert(list, entry, byTime, max),
    merge: (a, b) => mergeLists(a, b, byTime, max),
    result: (list) => list.map(([, kept]) => chosenCopy("collect", kept)),
    ofNone: () => [],
    restore: restoring(
      `a list of at most ${max} in the order of time`,
      (stored) => Array.isArray(stored) && stored.length <= max && stored.every(isAt) && isSorted(stored, byTime),
    ),
  });
}

const isAt = (value: unknown): value is At<unknown> =>
  Array.isArray(value) && value.length === 2 && Number.isFinite(value[0]);
