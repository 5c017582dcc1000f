/** A stretch of event time, [start, end), in epoch milliseconds. */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** Puts an event time into its window. Plain data with one pure function: no clock, no state. */
export interface WindowAssigner {
  readonly kind: "tumbling";
  /** Length in milliseconds. */
  readonly size: number;
  /** Milliseconds by which windows are shifted against the epoch. */
  readonly offset: number;
  /** The start of the window that `time` falls into. */
  readonly startOf: (time: number) => number;
}
