import { checkSetting, restoring, totalAggregate, type TotalAggregate } from "./aggregate.ts";
import { compareCountable, countable, isCountable, type Countable } from "./countable.ts";

/** Sorted, each once. "beyond": there are more than the maximum, and how many does not matter any more. */
type Values = readonly Countable[] | "beyond";

/** With more, `approxDistinct` is what one wants. */
const MOST = 10_000;

/**
 * How many different values there are, exactly; undefined (a `nullable` column) when there are more than `max`.
 *
 * Accumulator: up to `max` values, written with every commit that adds one; then 7 bytes. {@link approxDistinct} is for
 * more.
 *
 * @param field a text, a number, a bigint or a boolean; NaN, an infinity, null and undefined are poison
 * @param options max: from 1 to 10,000
 * @throws definition error `aggregate/setting`
 * @example
 * const destinations = distinct((d: Departure) => d.destination, { max: 500 });
 */
export function distinct<T>(
  field: (record: T) => Countable,
  { max }: { readonly max: number },
): TotalAggregate<T, number | undefined> {
  checkSetting("distinct", "max", max, MOST);
  return totalAggregate<T, Countable, Values, number | undefined>({
    shape: `distinct/1 ${max}`,
    input: countable("distinct", field),
    init: () => [],
    add: (values, value) => {
      if (values === "beyond") return values;
      const at = placeOf(values, value);
      if (at < values.length && compareCountable(values[at]!, value) === 0) return values;
      return values.length === max ? "beyond" : [...values.slice(0, at), value, ...values.slice(at)];
    },
    merge: (a, b) => {
      if (a === "beyond" || b === "beyond") return "beyond";
      const both = [...a, ...b].sort(compareCountable);
      const values = both.filter((value, i) => i === 0 || compareCountable(both[i - 1]!, value) !== 0);
      return values.length > max ? "beyond" : values;
    },
    result: (values) => (values === "beyond" ? undefined : values.length),
    ofNone: () => 0,
    restore: restoring(
      `a sorted list of at most ${max} values`,
      (stored) => stored === "beyond" || (Array.isArray(stored) && stored.length <= max && isSortedSet(stored)),
    ),
  });
}

/** Where a value is, or would be, in a sorted list. */
function placeOf(values: readonly Countable[], value: Countable): number {
  let [from, to] = [0, values.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compareCountable(values[middle]!, value) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

const isSortedSet = (values: readonly unknown[]): boolean =>
  values.every(
    (value, i) =>
      isCountable(value) && (i === 0 || compareCountable(values[i - 1] as Countable, value as Countable) < 0),
  );
