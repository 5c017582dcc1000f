import type { Aggregate } from "../aggregates/aggregate.ts";
import type { KeyRow, KeySpec } from "../state/key.ts";
import type { Duration } from "../time/duration.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { Process } from "./process.ts";
import type { Accepts, Sink, SinkRow } from "./sink.ts";

/**
 * Values of type `T`, partitioned by a key `K` (`never` where the source declares none).
 *
 * Functions are synchronous and pure: they do not change the values they are given, which branches share, and what
 * they throw makes a dead letter of the record.
 */
export interface Stream<T, K = never> {
  /** Keeps the values for which the predicate holds. */
  filter<U extends T>(name: string, predicate: (value: T) => value is U): Stream<U, K>;
  filter(name: string, predicate: (value: T) => boolean): Stream<T, K>;
  /** One value for one. The key and the event time stay the record's. */
  map<U>(name: string, change: (value: T) => U): Stream<U, K>;
  /** Any number of values for one: an array, or a generator. */
  flatMap<U>(name: string, expand: (value: T) => Iterable<U>): Stream<U, K>;
  /** The key that the stream is already partitioned by: free. */
  readonly byKey: [K] extends [never] ? { "this stream declares no key: use keyBy (a shuffle)": never } : Keyed<T, K>;
  /** Sends each value to the first branch whose predicate holds, or to `rest`. Branches that are not used drop theirs. */
  split<const B extends { readonly [branch: string]: (value: T) => boolean }>(
    name: string,
    branches: B & { readonly rest?: "what no other branch takes" },
  ): { readonly [P in keyof B | "rest"]: Stream<T, K> };
  /** This stream and others of the same values as one. `byKey` after it is possible where all are of one source. */
  union(name: string, ...others: readonly Stream<T, K>[]): Stream<T, K>;
  /**
   * Any other key: a shuffle. What follows is a stage of its own behind an internal stream, and has this name. A key
   * without fields (`{}`) is one group of everything.
   */
  keyBy<const N extends KeySpec<T>>(name: string, key: N): Keyed<T, KeyRow<N>>;
  /** Sends every value to a sink whose columns it fits; what does not fit does not compile. */
  to<S extends Sink<never>>(sink: S & Accepts<T, SinkRow<S>>): this;
}

/** A stream seen by its key. */
export interface Keyed<T, K> extends Process<T, K> {
  /** Groups the records of each key by windows of event time. The name addresses the operator's state. */
  window(name: string, assigner: WindowAssigner, options?: WindowOptions): Windowed<T, K>;
}

export interface WindowOptions {
  /** How long after its end a window stays open for stragglers, and is not emitted. @default none */
  readonly allowedLateness?: Duration;
}

/** The columns that every window's row has: [windowStart, windowEnd) in epoch milliseconds. */
export interface WindowFields {
  readonly windowStart: number;
  readonly windowEnd: number;
}

type Results<A> = { readonly [P in keyof A]: A[P] extends Aggregate<never, infer R> ? R : never };
type Flat<T> = { [P in keyof T]: T[P] };

export interface Windowed<T, K> {
  /** One row per key and window: the key's fields, windowStart, windowEnd, and a field per aggregate. */
  aggregate<const A extends { readonly [name: string]: Aggregate<T, unknown> }>(
    aggregates: A & { readonly [P in keyof K | keyof WindowFields]?: "name already taken by the key or the window" },
  ): Aggregated<Flat<K & WindowFields & Results<A>>, T, K>;
}

/** A window's rows, and beside them the records that came too late for any. */
export interface Aggregated<R, T, K> extends Stream<R, K> {
  readonly late: Stream<T, K>;
}
