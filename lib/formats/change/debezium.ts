import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Change, ChangeEvent, ChangeOrigin, Notice } from "./change.ts";
import { logPosition } from "./debezium-position.ts";
import { isUnavailable } from "./debezium-unavailable.ts";
import { mongoDocument } from "./mongo-document.ts";
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

export interface DebeziumOptions<
  R extends StandardSchemaV1,
  K extends StandardSchemaV1,
  B extends "row" | "none",
> extends ChangeOptions<R, K, B> {
  /** What the connector's `unavailable.value.placeholder` is. @default "__debezium_unavailable_value" */
  readonly unavailable?: string;
}

/** What Debezium writes, as far as it is read; with `{ schema, payload }` around it or without. Null is a tombstone. */
export type DebeziumEvent<T> =
  DebeziumEnvelope<T> | { readonly schema: unknown; readonly payload: DebeziumEnvelope<T> } | null;

export interface DebeziumEnvelope<T> {
  readonly op?: string;
  /** A row; of MongoDB a document as text. */
  readonly before?: Partial<T> | string | null;
  readonly after?: T | string | null;
  readonly source?: unknown;
  readonly ts_ms?: unknown;
  readonly [other: string]: unknown;
}

/**
 * The schema of Debezium's events of one table (PostgreSQL, MySQL and MariaDB, MongoDB; JSON, with and without
 * `{ schema, payload }`): what `schema` of a source takes.
 *
 * Rows are those of `row`, which gets them as Debezium encodes them: `fromMicros`, `fromDays`, `decimalText` … read times and
 * decimals. A column that the database did not log is left out of the row, and named in `unavailable`. MongoDB's documents are
 * plain: an `ObjectId` is its text, a date is epoch milliseconds.
 *
 * @example
 * const order = z.object({ id: z.number(), total: z.string().transform(decimalText(2)), placed: z.number().transform(fromMicros) });
 * const orders = kinesis("orders", {
 *   schema: debezium({ row: order, key: z.object({ id: z.number() }), before: "row" }),
 *   eventTime: (event) => event.at,
 *   disorder: { seconds: 10 },
 * });
 */
export const debezium = <R extends StandardSchemaV1, K extends StandardSchemaV1, B extends "row" | "none" = "none">(
  options: DebeziumOptions<R, K, B>,
): ChangeSchema<R, K, B, DebeziumEvent<StandardSchemaV1.InferInput<R>>> => {
  checkOptions("debezium(…)", options);
  return schemaOf((value) => read(value, options)) as never;
};

const OPS: Readonly<Record<string, Change<unknown, unknown>["op"]>> = {
  c: "insert",
  r: "read",
  u: "update",
  d: "delete",
};

const ADVICE: Readonly<Record<string, string>> = {
  postgresql: "PostgreSQL: ALTER TABLE … REPLICA IDENTITY FULL.",
  mongodb: "MongoDB: capture.mode change_streams_update_full_with_pre_image.",
  mysql: "MySQL: binlog_row_image FULL.",
  mariadb: "MariaDB: binlog_row_image FULL.",
};

function read(
  value: unknown,
  options: DebeziumOptions<StandardSchemaV1, StandardSchemaV1, "row" | "none">,
): ChangeEvent<unknown, unknown, unknown> {
  if (value === null) return { op: "tombstone", at: 0, source: { connector: "kafka" } };
  if (!isObject(value)) throw unreadable("The event is no object.");
  const event = "payload" in value && "schema" in value ? value["payload"] : value;
  if (event === null) return { op: "tombstone", at: 0, source: { connector: "kafka" } };
  if (!isObject(event)) throw unreadable("The payload is no object.", "payload");
  const source = isObject(event["source"]) ? event["source"] : {};
  const origin = originOf(source);
  const position = logPosition(source);
  const told = { at: timeOf(source, event), source: origin, ...(position !== undefined && { position }) };
  const op = event["op"];
  const rowOp = typeof op === "string" && Object.hasOwn(OPS, op) ? OPS[op] : undefined;
  if (rowOp === undefined) return { ...told, ...noticeOf(event, op) };
  const isMongo = origin.connector === "mongodb";
  const rowOf = (field: "before" | "after") =>
    isMongo ? mongoDocument(event[field], field) : withoutUnavailable(event[field], options.unavailable);
  const [before, after] = [rowOf("before"), rowOf("after")];
  return changeOf(options, {
    ...told,
    op: rowOp,
    before: before.row,
    after: after.row,
    fields: { before: "before", after: "after" },
    unavailable: after.unavailable,
    advice: ADVICE[origin.connector] ?? "The database does not log it.",
  });
}

/** What is no change of a row. @throws Unreadable for what Debezium does not write */
function noticeOf(event: Json, op: unknown): Pick<Notice, "op" | "detail"> {
  if (op === "t") return { op: "truncate" };
  if (op === "m") return { op: "message", detail: event["message"] };
  if (op !== undefined) throw unreadable(`${JSON.stringify(op).slice(0, 40)} is no operation.`, "op");
  if ("ddl" in event || "tableChanges" in event) {
    return { op: "schema", detail: { ddl: event["ddl"] ?? null, tableChanges: event["tableChanges"] ?? null } };
  }
  const { status, id } = event as { readonly status?: unknown; readonly id?: unknown };
  if ((status === "BEGIN" || status === "END") && typeof id === "string")
    return { op: "transaction", detail: { status, id } };
  if (Object.keys(event).every((field) => HEARTBEAT.has(field)) && "ts_ms" in event) return { op: "heartbeat" };
  throw unreadable("The event is nothing that Debezium writes: it has no op.", "op");
}

const HEARTBEAT: ReadonlySet<string> = new Set(["ts_ms", "ts_us", "ts_ns"]);

/** The database's commit; where it has none (a snapshot of MySQL by older connectors says 0), when Debezium saw it. */
function timeOf(source: Json, event: Json): number {
  for (const time of [source["ts_ms"], event["ts_ms"]]) {
    const millis = typeof time === "string" ? Number(time) : time;
    if (typeof millis === "number" && Number.isSafeInteger(millis) && millis > 0) return millis;
  }
  throw unreadable("The event has no time.", "ts_ms");
}

function originOf(source: Json): ChangeOrigin {
  const origin = {
    connector: textOf(source["connector"]) ?? "debezium",
    database: textOf(source["db"]),
    schema: textOf(source["schema"]),
    table: textOf(source["table"] ?? source["collection"]),
    transaction: textOf(source["txId"] ?? source["gtid"]),
  };
  return Object.fromEntries(Object.entries(origin).filter(([, text]) => text !== undefined)) as unknown as ChangeOrigin;
}

/** A row without the columns whose values the database did not log. */
function withoutUnavailable(row: unknown, placeholder = "__debezium_unavailable_value") {
  if (!isObject(row)) return { row, unavailable: [] };
  const unavailable = Object.keys(row).filter((column) => isUnavailable(row[column], placeholder));
  if (unavailable.length === 0) return { row, unavailable };
  return {
    row: Object.fromEntries(Object.entries(row).filter(([column]) => !unavailable.includes(column))),
    unavailable,
  };
}
