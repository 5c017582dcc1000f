import { definitionError } from "../../errors.ts";
import { deliveryPolicy, type DeliveryOptions } from "../../pipeline/backpressure.ts";
import type { Column, Columns, RowOf } from "../../pipeline/column.ts";
import { checkField, checkName } from "../../pipeline/names.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { wholeText } from "../../state/cut-text.ts";
import { checkedEventDates, outOfDates, type DayPartition, type EventDates } from "./event-date.ts";
import { lakeRowCutter, rowDecoder, type LakeColumn, type TimeUnit } from "./row.ts";

/** What makes a sink a lake: Firehose to files on S3, with a table in the Glue catalogue. */
export const LAKE = "lake";

/** Firehose's limit for one record before base64, 1,000 KiB, less the line end (AWS: Firehose quotas). */
export const MAX_RECORD_BYTES = 1_000 * 1_024 - 1;

/** What the day in front of a row takes of it, more or less. */
const EVENT_DATE_BYTES = 32;

/** The column that carries each row's id; the view hides repeats by it (X8). */
export const OUTPUT_ID = "output_id";

export interface LakeDeclaration extends SinkDeclaration {
  readonly columns: readonly LakeColumn[];
  /** What files are put into folders by; none for the hour that rows arrive in. */
  readonly eventDates: EventDates | undefined;
  readonly format: LakeFormat;
  readonly table: LakeTable;
}

/**
 * What a lake's table is: of `files`, repeats and all, with a view that hides these; or of Apache `iceberg`, which Firehose
 * merges rows into by their output id, so that it has no repeats.
 */
export type LakeTable = "files" | "iceberg";

/** What a lake's files are. Both are kept by column and read by Athena. */
export type LakeFormat = "parquet" | "orc";

/** A lake as a typed handle. */
export interface Lake<in R> extends Sink<R>, Omit<LakeDeclaration, keyof SinkDeclaration> {}

/** The fields whose values are always there and numbers; that they are timestamps is checked when they are used. */
type TimestampField<C> = {
  [F in keyof C & string]: C[F] extends Column<infer V> ? ([V] extends [number] ? F : never) : never;
}[keyof C & string];

/** How a lake's rows are kept. */
export interface LakeOptions<C> {
  /** One folder a day of event time. It stays as it was first deployed: docs/lake.md. @default folders by the hour of arrival */
  readonly partitionBy?: DayPartition<TimestampField<C>>;
  /** What files are. It stays as it was first deployed. @default "parquet" */
  readonly format?: LakeFormat;
  /** What the table is: docs/lake.md says when to use which. It stays as it was first deployed. @default "files" */
  readonly table?: LakeTable;
  /** How rows are delivered, and when a delivery stream that is down is left alone: docs/backpressure.md. */
  readonly delivery?: DeliveryOptions;
}

/**
 * A table on S3, of Parquet files or of Iceberg, written through Firehose. Columns are declared once: they give the
 * Glue table, the row's type and the rows' check. Fields in camel case are columns in snake case.
 *
 * @example
 * const hourlyDelays = lake("hourly_delays", {
 *   origin: text, windowStart: timestamp, windowEnd: timestamp, flights: bigint, meanDelay: double,
 * });
 *
 * @param name the table's name: lower case, digits and _
 * @throws definition errors `name/invalid`, `lake/column`, `lake/partition`, `lake/table`
 */
export function lake<C extends Columns>(name: string, columns: C, options: LakeOptions<C> = {}): Lake<RowOf<C>> {
  checkName("A lake", name);
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw refuse(name, `the name is not lower case`, "Glue tables are named like hourly_delays.");
  const declared = Object.entries(columns).map(([field, { type, nullable }]) => {
    checkField(`lake("${name}")`, field);
    return { field, name: snakeCase(field), type, nullable };
  });
  const names = [...declared.map((column) => column.name), OUTPUT_ID];
  const twice = names.find((column, i) => names.indexOf(column) !== i);
  if (twice !== undefined) throw refuse(name, `two columns are named ${twice}`);
  if (declared.length === 0) throw refuse(name, "it has no columns");
  const { table = "files", format = "parquet" } = options;
  if (table === "iceberg") refuseWithIceberg(name, options);
  const eventDates = options.partitionBy && checkedEventDates(name, declared, options.partitionBy);
  const unit: TimeUnit = table === "iceberg" ? "microseconds" : "milliseconds";
  const cut = lakeRowCutter(
    name,
    declared.map((column) =>
      eventDates?.column === column.name ? { ...column, refuse: (time) => outOfDates(eventDates, time) } : column,
    ),
    unit,
  );
  return {
    kind: "sink",
    connector: LAKE,
    name,
    ...(options.delivery && { delivery: deliveryPolicy(`lake("${name}")`, options.delivery) }),
    columns: declared,
    eventDates,
    format,
    table,
    cut,
    encode: (row) => wholeText(cut(row)),
    decode: rowDecoder(declared, unit),
    maxBytes: MAX_RECORD_BYTES - (eventDates === undefined ? 0 : EVENT_DATE_BYTES),
  };
}

/** @returns whether a sink is a lake */
export const isLake = (sink: SinkDeclaration): sink is LakeDeclaration => sink.connector === LAKE;

const snakeCase = (field: string): string =>
  field.replace(/([a-z0-9])([A-Z])|([A-Z]+)(?=[A-Z][a-z])/g, "$1$3_$2").toLowerCase();

/** What Firehose does not do with Iceberg's tables, or what nothing is known of. */
function refuseWithIceberg(name: string, { partitionBy, format = "parquet" }: LakeOptions<Columns>): void {
  const [problem, advice] =
    partitionBy !== undefined
      ? ["is of Iceberg and has partitionBy", "Iceberg's tables have no folders by day: leave out one of the two."]
      : format !== "parquet"
        ? [`is of Iceberg and has the format "${format}"`, "Firehose writes Parquet there: leave out the format."]
        : [];
  if (problem === undefined) return;
  throw definitionError({ code: "lake/table", message: `lake("${name}") ${problem}.`, advice: advice! });
}

const refuse = (name: string, problem: string, advice?: string) =>
  definitionError({
    code: "lake/column",
    message: `lake("${name}"): ${problem}.`,
    ...(advice === undefined ? {} : { advice }),
  });
