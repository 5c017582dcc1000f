import type { KeyValue } from "../state/key.ts";
import type { Duration } from "../time/duration.ts";
import type { Handle, InsideDeduplicate } from "./handle.ts";
import type { Stream } from "./stream.ts";

/** Which records are the same. */
export interface DeduplicateOptions<T> {
  /** What tells records of a key apart. */
  readonly id: (value: T) => KeyValue;
  /** Two records of an id are the same when their event times differ by less. State is kept so long. */
  readonly within: Duration;
  /** Names that the operator had: its state was stored under them. */
  readonly was?: readonly string[];
}

/** What was passed on, and beside it the records that came too late to be told. */
export interface Deduplicated<T, K> extends Stream<T, K>, Handle<InsideDeduplicate<K>> {
  readonly late: Stream<T, K>;
}

/** How repeats are taken out of a keyed stream. */
export interface Deduplicate<T, K> {
  /**
   * Passes on the first of the records of a key that have one id and event times nearer than `within`; the first to
   * arrive wins, and the rest is counted as filtered. Exact, but for records that are late: these leave by `late`.
   */
  deduplicate(name: string, options: DeduplicateOptions<T>): Deduplicated<T, K>;
}
