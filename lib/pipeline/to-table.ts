import type { VersionedTable, VersionOrder } from "../operators/join/table-change.ts";
import type { KeyRow, KeySpec } from "../state/key.ts";
import type { Versioned } from "../state/versions.ts";
import type { Duration } from "../time/duration.ts";

/** The keys of the changes among a stream's values; `never` where there are none. */
type ChangedKey<T> = T extends { readonly op: "insert" | "read" | "update" | "delete"; readonly key: infer K }
  ? K
  : never;

/** Their rows. */
type ChangedRow<T> = T extends { readonly op: "insert" | "read" | "update"; readonly after: infer R } ? R : never;

type HasChanges<T> = [ChangedKey<T>] extends [never]
  ? { readonly "the stream has no changes of rows: say with row what the row of a value is": never }
  : unknown;

export interface TableOptions<T> extends Versioned {
  /**
   * Which of two versions of a row that have one event time is newer: the one of which it is the greater text, number or
   * bigint. @default a change's position in the log of its database; without one it is not defined which, but the same everywhere
   */
  readonly order?: (value: T) => VersionOrder;
  /**
   * How long a removal is known, in event time: a change that comes later than that is a dead letter, if nothing else is known of its
   * row. @default 7 days
   */
  readonly keepRemoved?: Duration;
}

/** Of a stream of changes. */
export interface ChangesAsTable<T, N> extends TableOptions<T> {
  /** The key that joins find rows by, by field: of a change's `key`. */
  readonly key: N;
  readonly row?: never;
}

/** Of any other stream. */
export interface ValuesAsTable<T, N, V> extends TableOptions<T> {
  /** The key that joins find rows by, by field: of a value. */
  readonly key: N;
  /** What the table has of a value; undefined for a row that is there no more. */
  readonly row: (value: T) => V | undefined;
}

/** How a stream becomes a table that joins read. */
export interface ToTable<T> {
  /**
   * Makes a table of a stream of changes (`debezium`, `dms`, `dynamoStream`): `join` gives a record of another stream the row
   * as it was at the record's time. Of a stream that has no changes `row` says what the row is. A shuffle, with this name: rows
   * are kept where records of their key are.
   *
   * @example
   * const customers = debezium({ row: z.object({ id: z.number(), name: z.string() }), key: z.object({ id: z.number() }) });
   * const customerChanges = kinesis("customers", {
   *   schema: customers,
   *   eventTime: (event) => event.at,
   *   disorder: { seconds: 10 },
   * });
   * const orders = kinesis("orders", {
   *   schema: z.object({ id: z.string(), customer: z.number(), at: z.number() }),
   *   eventTime: (order) => order.at,
   *   disorder: { seconds: 10 },
   * });
   * pipeline("orders", (flow) => {
   *   const table = flow.from(customerChanges).toTable("customers-by-id", { key: { customer: (key) => key.id } });
   *   flow
   *     .from(orders)
   *     .keyBy("orders-by-customer", { customer: (order) => order.customer })
   *     .join("with-customer", table, (order, customer) => ({ id: order.id, name: customer?.name ?? "unknown" }))
   *     .to(lake("named_orders", { id: text, name: text }));
   * });
   */
  toTable<const N extends KeySpec<ChangedKey<T>>>(
    name: string,
    options: ChangesAsTable<T, N> & HasChanges<T>,
  ): VersionedTable<ChangedRow<T>, KeyRow<N>>;
  toTable<V, const N extends KeySpec<T>>(name: string, options: ValuesAsTable<T, N, V>): VersionedTable<V, KeyRow<N>>;
}
