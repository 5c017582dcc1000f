/** Where a change comes from, as the capturing system says. */
export interface ChangeOrigin {
  /** The kind of database, as Debezium calls its connectors; "dms" and "dynamodb" for those. */
  readonly connector: string;
  readonly database?: string;
  readonly schema?: string;
  /** The table, or MongoDB's collection. */
  readonly table?: string;
  readonly transaction?: string;
  /** Of a delete: no one asked for it, the row's time to live was over (DynamoDB). */
  readonly expired?: true;
}

/** What every event of a database's log says. */
interface Told {
  /**
   * When the database committed it: epoch milliseconds. 0 where the event says no time (a tombstone): that is behind every
   * watermark, and moves none.
   */
  readonly at: number;
  readonly source: ChangeOrigin;
  /**
   * Where it lies in the database's log: of one key, what has the same position is the same change, however often it was
   * sent. Positions of one source sort as texts in the log's order, where the capturing system tells of it.
   */
  readonly position?: string;
}

/** What the row was, where the source tells: `B` is undefined where it does not. */
type Before<B> = [B] extends [undefined] ? { readonly before?: never } : { readonly before: B };

interface Keyed<K> extends Told {
  readonly key: K;
  /** Columns that are missing in `after` because the database did not log them: they did not change. */
  readonly unavailable?: readonly string[];
}

/** A row that came to be; `read` by a snapshot, which may tell of a row that is known already. */
interface Inserted<T, K> extends Keyed<K> {
  readonly op: "insert" | "read";
  readonly before?: never;
  readonly after: T;
}

type Updated<T, K, B> = Keyed<K> &
  Before<B> & {
    readonly op: "update";
    readonly after: T;
    /** The row's key before, where the update changed it. */
    readonly keyBefore?: K;
  };

type Deleted<K, B> = Keyed<K> & Before<B> & { readonly op: "delete"; readonly after?: never };

/**
 * A change of one row `T` with the key `K`. `B` is what is known of the row before: `T`, or undefined.
 */
export type Change<T, K, B = undefined> = Inserted<T, K> | Updated<T, K, B> | Deleted<K, B>;

/**
 * What else a log tells: all rows of a table are gone (`truncate`), an application's message, the beginning or end of a
 * transaction, a sign of life, a change of the table's definition, or Kafka's empty value after a delete (`tombstone`).
 */
export interface Notice extends Told {
  readonly op: "truncate" | "message" | "transaction" | "heartbeat" | "schema" | "tombstone";
  /** The event's own content, as JSON has it; nothing where it has none. */
  readonly detail?: unknown;
}

/** What a stream of changes carries: changes of rows, and notices. */
export type ChangeEvent<T, K, B = undefined> = Change<T, K, B> | Notice;

/**
 * Whether an event is a change of a row, and no notice. For `filter`.
 *
 * @example
 * const orders = debezium({ row: z.object({ id: z.number(), cents: z.number() }), key: z.object({ id: z.number() }) });
 * pipeline("orders", (flow) => {
 *   flow
 *     .from(kinesis("orders", { schema: orders, eventTime: (event) => event.at, disorder: { seconds: 10 } }))
 *     .filter("changes", isChange)
 *     .filter("standing", (change) => change.op !== "delete")
 *     .map("rows", ({ key, after }) => ({ id: key.id, cents: after?.cents ?? 0 }))
 *     .to(lake("order_rows", { id: bigint, cents: bigint }));
 * });
 */
export const isChange = <T, K, B>(event: ChangeEvent<T, K, B>): event is Change<T, K, B> => "key" in event;
