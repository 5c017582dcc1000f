import { definitionError, poisonError } from "../errors.ts";
import type { Way } from "../state/versions.ts";

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
  /**
   * The accumulator of both parts. Associative; `init()` is its neutral element; `add` does what merging with the
   * accumulator of one record does. Commutative too, but where order of arrival decides between records of one event
   * time: then `a`'s came before `b`'s.
   */
  readonly merge: (a: never, b: never) => unknown;
  readonly result: (accumulator: never) => unknown;
  /** Checks an accumulator that comes out of storage; returns it. */
  readonly restore?: (stored: unknown) => unknown;
  /** How accumulators of another shape become this one's. @default not at all */
  readonly wayFrom?: (shape: string) => Way;
  /** Whether the form of its accumulators is user code's own, which may refuse what another build's took. */
  readonly isOwn?: true;
  readonly [inputType]?: (record: T) => void;
  readonly [resultType]?: () => R;
}

/** An aggregate that has a value even where there is no record: a count is 0. */
export interface TotalAggregate<in T, out R> extends Aggregate<T, R> {
  readonly ofNone: () => R;
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
  readonly wayFrom?: (shape: string) => Way;
  readonly isOwn?: true;
}

/** Hides the accumulator's type. */
export const aggregate = <T, I, A, R>(of: AggregateOf<T, I, A, R>): Aggregate<T, R> => of;

/** The same for one that has a value where there is no record. */
export const totalAggregate = <T, I, A, R>(
  of: AggregateOf<T, I, A, R> & { readonly ofNone: () => R },
): TotalAggregate<T, R> => of;

/** Checks an accumulator that comes out of storage; `what` it must be, for the message. */
export const restoring =
  <A>(what: string, is: (stored: unknown) => boolean) =>
  (stored: unknown): A => {
    if (is(stored)) return stored as A;
    throw new Error(`it is not ${what}`);
  };

export const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Wraps a record's number so that NaN and infinities are poison, and never reach an accumulator. −0 becomes 0. */
export function finite<T>(name: string, field: (record: T) => number): (record: T) => number {
  return (record) => {
    const value = field(record);
    if (typeof value === "number" && Number.isFinite(value)) return value + 0;
    throw poisonError({
      code: "aggregate/not-finite",
      message: `${name}() was given ${typeof value === "number" ? String(value) : `a ${typeof value}`}, not a finite number.`,
    });
  };
}

/** An accumulator of numbers as it is; the record that makes it overflow is poison. */
export function inRange<A extends readonly number[]>(name: string, accumulator: A): A {
  let isFinite = true;
  for (let i = 0; i < accumulator.length; i++) isFinite &&= Number.isFinite(accumulator[i]);
  if (isFinite) return accumulator;
  throw poisonError({
    code: "aggregate/overflow",
    message: `${name}() leaves the range of numbers (1.8e308) with this record.`,
  });
}

/** A setting that is a whole number from 1 to `most`. */
export function checkSetting(name: string, setting: string, value: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  throw definitionError({
    code: "aggregate/setting",
    message: `${name}(): ${setting} ${String(value)} is not a whole number from 1 to ${most}.`,
  });
}
