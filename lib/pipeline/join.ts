import type { VersionedTable } from "../operators/join/table-change.ts";
import type { Stored } from "../state/stored-value.ts";
import type { Versioned } from "../state/versions.ts";
import type { Duration } from "../time/duration.ts";
import type { SameKey } from "./connect.ts";
import type { Handle, InsideJoin } from "./handle.ts";
import type { Stream } from "./stream.ts";

/** `version` and `migrate` are of the records that wait to be joined; rows have those of their table. */
export interface JoinOptions extends Versioned {
  /** Whether records without a row are kept, or are counted as filtered. @default "left" */
  readonly type?: "left" | "inner";
  /** How long after the watermark has passed its time a record waits for changes that are late. @default none */
  readonly allowedLateness?: Duration;
  /** Names that the operator had: its state was stored under them. */
  readonly was?: readonly string[];
}

/** A change that came too late for records of its time. */
export interface LateChange<V> {
  /** Since when the row is so, epoch milliseconds. */
  readonly at: number;
  /** Undefined where the row is there no more. */
  readonly row: Stored<V> | undefined;
}

/** Records with their rows, and beside them what came too late. */
export interface Joined<R, T, K, V> extends Stream<R, K>, Handle<InsideJoin<K, T, V>> {
  /** Records that were not joined. */
  readonly late: Stream<T, K>;
  /** Changes of which records that were joined before knew nothing. Those that come after them do. */
  readonly lateChanges: Stream<LateChange<V>, K>;
}

/** How records of a keyed stream are joined with rows. */
export interface Join<T, K> {
  /**
   * Each record with the row of its key, as the row was at the record's event time (Flink: an event-time temporal join; SQL:
   * `FOR SYSTEM_TIME AS OF`). See {@link ToTable.toTable}. A record waits until the watermark has passed its time: so what it is
   * joined with does not depend on which of the two streams comes first.
   *
   * @param combine synchronous and pure; of records without a row it is given undefined, unless the join is `inner`
   */
  join<V, L, R>(
    name: string,
    table: VersionedTable<V, L> & SameKey<K, L>,
    combine: (record: Stored<T>, row: Stored<V>) => R,
    options: JoinOptions & { readonly type: "inner" },
  ): Joined<R, T, K, V>;
  join<V, L, R>(
    name: string,
    table: VersionedTable<V, L> & SameKey<K, L>,
    combine: (record: Stored<T>, row: Stored<V> | undefined) => R,
    options?: JoinOptions & { readonly type?: "left" },
  ): Joined<R, T, K, V>;
}
