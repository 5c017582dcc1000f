import type { Aggregate } from "../aggregates/aggregate.ts";
import type { PartsChange } from "../operators/evolution/state-shape.ts";
import type { KeyRow, KeySpec } from "../state/key.ts";
import type { Duration } from "../time/duration.ts";
import type { Accumulation, PaneTiming, WindowTrigger } from "../windows/trigger.ts";
import type { GivesColumns, WindowAssigner } from "../windows/window.ts";
import type { Broadcasting } from "./broadcast.ts";
import type { Connect } from "./connect.ts";
import type { Deduplicate } from "./deduplicate.ts";
import type { Enrich } from "./enrich.ts";
import type { Handle, InsideKeyed, InsideWindow } from "./handle.ts";
import type { Join } from "./join.ts";
import type { MetricOptions } from "./metric.ts";
import type { Process } from "./process.ts";
import type { Accepts, AcceptsKey, Sink, SinkRow } from "./sink.ts";
import type { ToTable } from "./to-table.ts";

/**
 * Values of type `T`, partitioned by a key `K` (`never` where the source declares none).
 *
 * Functions are synchronous and pure: they do not change the values they are given, which branches share, and what
 * they throw makes a dead letter of the record.
 */
export interface Stream<T, K = never> extends Enrich<T, K>, Broadcasting<T>, ToTable<T> {
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
  keyBy<const N extends KeySpec<T>>(name: string, key: N, options?: KeyByOptions): Keyed<T, KeyRow<N>>;
  /**
   * Adds up what values say, for CloudWatch: once per commit, exactly what the commit folded. A metric is of the pipeline, whatever
   * stage it is in; its sums are at the time of the commit, not at the values' event times.
   *
   * @example
   * const sums = { value: (d: Departure) => d.distance, dimensions: { from: { of: (d: Departure) => d.origin, values: ["ORD"] } } };
   * pipeline("miles", (flow) => { flow.from(departures).metric("miles", sums); });
   */
  metric(name: string, options?: MetricOptions<T>): this;
  /** Sends every value to a sink whose columns it fits; what does not fit does not compile. */
  to<S extends Sink<never>>(sink: S & Accepts<T, SinkRow<S>> & AcceptsKey<K, S>): this;
}

export interface KeyByOptions {
  /**
   * Whether a batch's records of one key are aggregated before they are sent, where a window with one row follows at
   * once: then a thousand records of a key are one. What a window has of several producers meets in no fixed order, as
   * records do. @default true
   */
  readonly preAggregate?: boolean;
}

/** A stream seen by its key. */
export interface Keyed<T, K>
  extends Process<T, K>, Connect<T, K>, Join<T, K>, Deduplicate<T, K>, Enrich<T, K>, Handle<InsideKeyed<K>> {
  /** Groups the records of each key by windows of event time. The name addresses the operator's state. */
  window<F, const O extends WindowOptions = {}>(
    name: string,
    assigner: WindowAssigner<T> & GivesColumns<F>,
    options?: O,
  ): Windowed<T, K, Flat<F & PaneColumns<O>>>;
}

export interface WindowOptions {
  /** How long after its end a window stays open for stragglers. @default none */
  readonly allowedLateness?: Duration;
  /** When a window makes more rows than one. @default one row, when the window can no longer change */
  readonly trigger?: WindowTrigger;
  /** What each of several rows holds. @default accumulating */
  readonly accumulation?: Accumulation;
  /** Names that the operator had: its state was stored under them. */
  readonly was?: readonly string[];
}

export interface AggregateOptions {
  /** Raised when aggregates are added or taken out. @default 1 */
  readonly version?: number;
  /**
   * By version, what the next one changed. An aggregate that was added has, in windows that are open when the change is
   * deployed, only the records since.
   *
   * @example
   * const changes = { version: 2, migrate: { 1: { added: ["total"], removed: ["worst"] } } };
   */
  readonly migrate?: { readonly [version: number]: PartsChange };
}

/** The columns of windows that make several rows. */
export interface PaneFields {
  /** When the row was made: before its window's time had come, when it came, or after it. */
  readonly pane: PaneTiming;
  /** How many times the window had made a row before. */
  readonly paneIndex: number;
}

/** The column of rows that take others back: −1 for a row that does, 1 for one that stands. */
export interface RetractionFields {
  readonly sign: 1 | -1;
}

type PaneColumns<O> = O extends { readonly trigger: WindowTrigger }
  ? O extends { readonly accumulation: "retracting" }
    ? PaneFields & RetractionFields
    : PaneFields
  : {};

type Results<A> = { readonly [P in keyof A]: A[P] extends Aggregate<never, infer R> ? R : never };
type Flat<T> = { [P in keyof T]: T[P] };

/** Windows of type `F`: the columns that they give to rows. */
export interface Windowed<T, K, F> {
  /** Rows per key and window: the key's fields, the window's, and a field per aggregate. */
  aggregate<const A extends { readonly [name: string]: Aggregate<T, unknown> }>(
    aggregates: A & { readonly [P in keyof K | keyof F]?: "name already taken by the key or the window" },
    options?: AggregateOptions,
  ): Aggregated<Flat<K & F & Results<A>>, T, K>;
}

/** A window's rows, and beside them the records that came too late for any. */
export interface Aggregated<R, T, K> extends Stream<R, K>, Handle<InsideWindow<K, R>> {
  readonly late: Stream<T, K>;
}
