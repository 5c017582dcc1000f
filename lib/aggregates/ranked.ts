import { compare, isOrdered, ordered, type Ordered } from "./ordered.ts";
import { chosenCopy } from "./chosen.ts";

/** By what records are ranked, and what of them is given. */
export interface RankedBy<T, V> {
  /** A number, a bigint or a text (by its UTF-16 code units): of one type in all records. NaN or an infinity is poison. */
  readonly by: (record: T) => Ordered;
  /** Anything that can be stored: see {@link custom}. */
  readonly value: (record: T) => V;
}

/** A record's rank, its event time and its chosen value. */
export type Ranked<V> = readonly [by: Ordered, time: number, value: V];

export const rankedInput = <T, V>(name: string, by: RankedBy<T, V>["by"], value: RankedBy<T, V>["value"]) => {
  const rank = ordered(name, by);
  return (record: T, time: number): Ranked<V> => [rank(record), time, chosenCopy(name, value(record))];
};

/**
 * Orders by rank, then by event time.
 *
 * @param sign 1: the largest first; −1: the smallest first
 */
export const compareRanked =
  <V>(name: string, sign: number) =>
  (a: Ranked<V>, b: Ranked<V>): number =>
    -sign * compare(name, a[0], b[0]) || a[1] - b[1];

export const isRanked = (value: unknown): value is Ranked<never> =>
  Array.isArray(value) && value.length === 3 && isOrdered(value[0]) && Number.isFinite(value[1]);
