import { aggregate, restoring, type Aggregate } from "./aggregate.ts";
import { chosenCopy } from "./chosen.ts";

type At<V> = readonly [time: number, value: V];

const end = <T, V>(name: string, value: (record: T) => V, isFirst: (a: number, b: number) => boolean) => {
  const either = (a: At<V> | null, b: At<V> | null): At<V> | null =>
    a === null ? b : b === null || isFirst(a[0], b[0]) ? a : b;
  return aggregate<T, At<V>, At<V> | null, V>({
    shape: `${name}/1`,
    input: (record, time) => [time, chosenCopy(name, value(record))],
    init: () => null,
    add: either,
    merge: either,
    result: (at) => chosenCopy(name, at![1]),
    restore: restoring(
      "a value with its time",
      (stored) => stored === null || (Array.isArray(stored) && stored.length === 2 && Number.isFinite(stored[0])),
    ),
  });
};

/**
 * The chosen value of the record with the least event time; of several, of the one that arrived first.
 *
 * The value is anything that can be stored: see {@link custom}. Accumulator: the value, and 10 bytes.
 */
export const first = <T, V>(value: (record: T) => V): Aggregate<T, V> => end("first", value, (a, b) => a <= b);

/**
 * The chosen value of the record with the largest event time; of several, of the one that arrived last.
 *
 * The value is anything that can be stored: see {@link custom}. Accumulator: the value, and 10 bytes.
 */
export const last = <T, V>(value: (record: T) => V): Aggregate<T, V> => end("last", value, (a, b) => a > b);
