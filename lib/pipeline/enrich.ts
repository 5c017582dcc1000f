import type { KeyValue } from "../state/key.ts";
import type { Duration } from "../time/duration.ts";
import type { BreakerOptions } from "./backpressure.ts";
import type { Handle, InsideEnrich } from "./handle.ts";
import type { Stream } from "./stream.ts";
import type { Table } from "./table.ts";

/** Where something is looked up. */
export type Lookup<Q extends KeyValue, V> =
  | {
      /** A function that asks a service. The signal is aborted when its time is up. */
      readonly call: (key: Q, options: { readonly signal: AbortSignal }) => Promise<V>;
      readonly table?: never;
    }
  | { readonly table: Table<V, Q>; readonly call?: never };

/** What is looked up for each value, and how. */
export type EnrichOptions<T, Q extends KeyValue, V, R> = Lookup<Q, V> & {
  /** What to look up; undefined for nothing. It depends on the value alone. */
  readonly key: (value: T) => Q | undefined;
  /** The value with what was found; undefined for nothing. */
  readonly with: (value: T, found: V | undefined) => R;
  /** How many lookups are under way at once, in one process. A table's lookup is of many keys. @default 16 */
  readonly concurrency?: number;
  /** Keeps answers between batches, in a process: so many, for so long. @default none are kept */
  readonly cache?: { readonly entries: number; readonly ttl: Duration };
  /** After how long a lookup has failed. @default 5 seconds */
  readonly timeout?: Duration;
  /**
   * What a lookup that fails leads to: the batch comes again, or a dead letter of each record that needed it, or a value
   * in its place. @default "retry"
   */
  readonly onFailure?: "retry" | "dead-letter" | { readonly use: V };
  /** When a service that fails is left alone; with `onFailure: "retry"` alone: docs/backpressure.md. */
  readonly breaker?: BreakerOptions;
};

/** Values with what was looked up for them. */
export interface Enriched<R, K, Q extends KeyValue, V> extends Stream<R, K>, Handle<InsideEnrich<Q, V>> {}

/** How values are enriched with what others know. */
export interface Enrich<T, K> {
  /**
   * Adds to each value what a service or a table says of it. All of a batch's lookups are made before it is folded: each
   * key once, many at once, and none inside of a commit. The order of values stays.
   *
   * Between a stage's source and an `enrich` there are operators without state only.
   *
   * @example
   * const airports = dynamoTable("airports", { key: "code", schema: z.object({ code: z.string(), city: z.string() }) });
   * const departures = kinesis("departures", {
   *   schema: z.object({ origin: z.string(), at: z.number() }),
   *   eventTime: (d) => d.at,
   *   disorder: { hours: 1 },
   * });
   * pipeline("cities", (flow) => {
   *   flow
   *     .from(departures)
   *     .enrich("airport", {
   *       key: (d) => d.origin,
   *       table: airports,
   *       with: (d, airport) => ({ at: d.at, city: airport?.city ?? "unknown" }),
   *       cache: { entries: 10_000, ttl: { minutes: 10 } },
   *     })
   *     .to(lake("cities", { at: timestamp, city: text }));
   * });
   */
  enrich<Q extends KeyValue, V, R>(name: string, options: EnrichOptions<T, Q, V, R>): Enriched<R, K, Q, V>;
}
