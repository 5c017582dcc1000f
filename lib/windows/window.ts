declare const recordType: unique symbol;
declare const columnsType: unique symbol;

/** A stretch of event time, [start, end), in epoch milliseconds. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

export const overlaps = (a: Window, b: Window): boolean => a.start < b.end && b.start < a.end;

/** The least window that holds both. */
export const span = (a: Window, b: Window): Window => ({
  start: Math.min(a.start, b.start),
  end: Math.max(a.end, b.end),
});

/** The columns that a row of a window with a start and an end has: [windowStart, windowEnd) in epoch milliseconds. */
export interface WindowFields {
  readonly windowStart: number;
  readonly windowEnd: number;
}

/** What all assigners have. `T` is what their functions take, `F` the columns that their windows give to rows. */
interface Assigner<in T, out F> extends GivesColumns<F> {
  /** What stored state must agree with. */
  readonly shape: string;
  readonly [recordType]?: (record: T) => void;
}

/** An assigner, seen by the columns that its windows give to rows. */
export interface GivesColumns<out F> {
  readonly [columnsType]?: () => F;
}

/** Windows that depend on a record alone: which ones it belongs to is a pure function, without state. */
export interface TimeWindows<in T = unknown> extends Assigner<T, WindowFields> {
  readonly kind: "time";
  /** The windows that a record belongs to, each once, in any order; none for a record that belongs to none. */
  readonly assign: (time: number, record: T) => readonly Window[];
  /** The start of the window that has this end; undefined where several windows may share an end. */
  readonly startOf: ((end: number) => number) | undefined;
  /** The end of the window that a time is in, where it is in one, whatever the record: says what `assign` does, for less. */
  readonly endOf?: (time: number) => number;
}

/** Time windows for which the record's content does not matter. */
export interface AlignedWindows extends TimeWindows {
  readonly assign: (time: number) => readonly Window[];
}

/** Windows of activity: a record's own one is [time, time + gap), and those that overlap are one. */
export interface SessionWindows<in T = unknown> extends Assigner<T, WindowFields> {
  readonly kind: "session";
  /** Milliseconds; user code where it was given as a function. */
  readonly gapOf: (record: T) => number;
}

/** A window at each record's time, over what precedes it. */
export interface SlidingWindows extends Assigner<unknown, WindowFields> {
  readonly kind: "sliding";
  /** Milliseconds before a record that belong to its window. */
  readonly preceding: number;
}

/** One window per key that holds everything. Its rows have no columns of a window. */
export interface GlobalWindow extends Assigner<unknown, {}> {
  readonly kind: "global";
}

/** Windows of so many records of a key, in the order in which they come. */
export interface CountWindows extends Assigner<unknown, WindowFields> {
  readonly kind: "count";
  readonly size: number;
}

/** Puts records of type `T` into windows. Plain data with pure functions: no clock, no state. */
export type WindowAssigner<T = never> =
  TimeWindows<T> | SessionWindows<T> | SlidingWindows | GlobalWindow | CountWindows;
