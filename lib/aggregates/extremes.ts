import { aggregate, restoring, type Aggregate } from "./aggregate.ts";
import { compare, isOrdered, ordered, type Ordered } from "./ordered.ts";

/** Chosen by a type parameter `V`, a field of numbers and texts would pass; these have one type each. */
interface Extreme {
  <T>(field: (record: T) => number): Aggregate<T, number>;
  <T>(field: (record: T) => bigint): Aggregate<T, bigint>;
  <T>(field: (record: T) => string): Aggregate<T, string>;
}

/** @param sign 1 keeps the larger of two, −1 the smaller */
const extreme = (name: string, sign: number) =>
  (<T>(field: (record: T) => Ordered) => {
    const either = (a: Ordered | null, b: Ordered | null): Ordered | null =>
      a === null ? b : b === null ? a : sign * compare(name, a, b) >= 0 ? a : b;
    return aggregate<T, Ordered, Ordered | null, Ordered>({
      shape: `${name}/1`,
      input: ordered(name, field),
      init: () => null,
      add: either,
      merge: either,
      // A window exists only once a record is in it, so there is an extreme.
      result: (value) => value as Ordered,
      restore: restoring("an extreme", (stored) => stored === null || isOrdered(stored)),
    });
  }) as Extreme;

/**
 * The smallest of a number, a bigint or a text of each record; texts by their UTF-16 code units. NaN or an infinity is
 * poison. Accumulator: the value.
 */
export const min: Extreme = extreme("min", -1);

/**
 * The largest of a number, a bigint or a text of each record; texts by their UTF-16 code units. NaN or an infinity is
 * poison. Accumulator: the value.
 */
export const max: Extreme = extreme("max", 1);
