import { poisonError } from "../errors.ts";

declare const inputType: unique symbol;
declare const resultType: unique symbol;

/**
 * How a window's records become one value of its row.
 *
 * An accumulator is never changed in place: `add` and `merge` return the next one, so that a record
 * whose processing fails can be undone (X7) by keeping the old one.
 */
export interface Aggregate<in T, out R> {
  /** Names the accumulator's shape; a change of it is a change of the operator's state. */
  readonly shape: string;
  /** What of the record, whose event time is given too, is aggregated. User code: may throw. */
  readonly input: (record: never, time: number) => unknown;
  readonly init: () => unknown;
  readonly add: (accumulator: never, input: never) => unknown;
  /** The accumulator of both parts. Associative; `init()` is its neutral element. */
  readonly merge: (a: never, b: never) => unknown;
  readonly result: (accumulator: never) => unknown;
  /** Checks an accumulator that comes out of storage; returns it. */
  readonly restore?: (stored: unknown) => unknown;
  readonly [inputType]?: (record: T) => void;
  readonly [resultType]?: () => R;
}

/** The same with its accumulator's type, as its author sees it. */
export interface AggregateOf<T, I, A, R> {
  readonly shape: string;
  readonly input: (record: T, time: number) => I;
  readonly init: () => A;
  readonly add: (accumulator: A, input: I) => A;
  readonly merge: (a: A, b: A) => A;
  readonly result: (accumulator: A) => R;
  readonly restore?: (stored: unknown) => A;
}

/** Hides the accumulator's type. */
export const aggregate = <T, I, A, R>(of: AggregateOf<T, I, A, R>): Aggregate<T, R> => of;

/** Wraps a record's number so that NaN and infinities are poison, and never reach an accumulator. */
export function finite<T>(name: string, field: (record: T) => number): (record: T) => number {
  return (record) => {
    const value = field(record);
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw poisonError({
      code: "aggregate/not-finite",
      message: `${name}() was given ${typeof value === "number" ? String(value) : `a ${typeof value}`}, not a finite number.`,
    });
  };
}
