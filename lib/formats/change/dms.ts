import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Change, ChangeEvent, ChangeOrigin } from "./change.ts";
import {
  changeOf,
  checkOptions,
  isObject,
  schemaOf,
  textOf,
  unreadable,
  type ChangeOptions,
  type ChangeSchema,
  type Json,
} from "./row-schema.ts";

/** What AWS DMS writes into a Kinesis stream or a Kafka topic, as far as it is read. */
export interface DmsEvent<T> {
  readonly data?: T | Partial<T>;
  readonly "before-image"?: Partial<T>;
  readonly control?: unknown;
  readonly metadata: { readonly operation: string; readonly timestamp: string; readonly [other: string]: unknown };
}

/**
 * The schema of the events that AWS DMS writes of one table into a Kinesis stream (JSON): what `schema` of a source takes.
 * Times, decimals and large objects are as DMS writes them. `before: "row"` needs `BeforeImageSettings` with all columns.
 *
 * @example
 * const order = z.object({ id: z.number(), status: z.string() });
 * const orders = kinesis("orders", {
 *   schema: dms({ row: order, key: z.object({ id: z.number() }) }),
 *   eventTime: (event) => event.at,
 *   disorder: { seconds: 10 },
 * });
 */
export const dms = <R extends StandardSchemaV1, K extends StandardSchemaV1, B extends "row" | "none" = "none">(
  options: ChangeOptions<R, K, B>,
): ChangeSchema<R, K, B, DmsEvent<StandardSchemaV1.InferInput<R>>> => {
  checkOptions("dms(…)", options);
  return schemaOf((value) => read(value, options)) as never;
};

const OPS: Readonly<Record<string, Change<unknown, unknown>["op"]>> = {
  load: "read",
  insert: "insert",
  update: "update",
  delete: "delete",
};

const BEFORE = "before-image";

function read(
  value: unknown,
  options: ChangeOptions<StandardSchemaV1, StandardSchemaV1, "row" | "none">,
): ChangeEvent<unknown, unknown, unknown> {
  const metadata = isObject(value) ? value["metadata"] : undefined;
  if (!isObject(value) || !isObject(metadata)) throw unreadable("The event is nothing that DMS writes.", "metadata");
  const position = positionOf(metadata);
  const told = { at: timeOf(metadata), source: originOf(metadata), ...(position !== undefined && { position }) };
  const operation = textOf(metadata["operation"]) ?? "";
  if (metadata["record-type"] === "control" || (value["data"] === undefined && "control" in value)) {
    // Definitions of tables: create-table, drop-table, rename-table, add-column and the like.
    return { op: "schema", ...told, detail: { operation, control: value["control"] ?? null } };
  }
  const op = Object.hasOwn(OPS, operation) ? OPS[operation] : undefined;
  if (op === undefined) throw unreadable(`"${operation.slice(0, 40)}" is no operation.`, "metadata", "operation");
  const isDelete = op === "delete";
  return changeOf(options, {
    ...told,
    op,
    // What is deleted is in `data`: its key at least.
    before: isDelete ? (value[BEFORE] ?? value["data"]) : value[BEFORE],
    after: isDelete ? undefined : value["data"],
    fields: { before: isDelete && value[BEFORE] === undefined ? "data" : BEFORE, after: "data" },
    unavailable: [],
    advice: "DMS: BeforeImageSettings with ColumnFilter all.",
  });
}

function timeOf(metadata: Json): number {
  for (const time of [metadata["commit-timestamp"], metadata["timestamp"]]) {
    const millis = typeof time === "string" ? Date.parse(time) : Number.NaN;
    if (Number.isFinite(millis) && millis > 0) return millis;
  }
  throw unreadable("The event has no time.", "metadata", "timestamp");
}

/** A position is of a transaction; its records are numbered. */
function positionOf(metadata: Json): string | undefined {
  const position = sortable(textOf(metadata["stream-position"]));
  const record = textOf(metadata["transaction-record-id"]);
  return position === undefined
    ? undefined
    : record === undefined
      ? position
      : `${position}#${record.padStart(10, "0")}`;
}

/** MySQL's `mysql-bin-changelog.157832:1975:-1:…` (AWS DMS API reference, CdcStartPosition), whose numbers get longer. */
const BINLOG = /^[^:/]+\.\d+:/;

/** A position as a text that sorts in the log's order, where it is known how: PostgreSQL's does as it is. */
const sortable = (position: string | undefined): string | undefined =>
  position !== undefined && BINLOG.test(position)
    ? position.replace(/(?<![\w-])\d+(?!\w)/g, (number) => number.padStart(DIGITS, "0"))
    : position;

/** As many as 64 bits need. */
const DIGITS = 20;

function originOf(metadata: Json): ChangeOrigin {
  const origin = {
    connector: "dms",
    schema: textOf(metadata["schema-name"]),
    table: textOf(metadata["table-name"]),
    transaction: textOf(metadata["transaction-id"]),
  };
  return Object.fromEntries(Object.entries(origin).filter(([, text]) => text !== undefined)) as unknown as ChangeOrigin;
}
