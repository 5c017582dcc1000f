import { planColumn, type ColumnPlan } from "../columns.ts";
import type { Rejected } from "../format-conversion.ts";
import { rowsOf } from "../json-rows.ts";
import type { IcebergSettings } from "./iceberg-settings.ts";
import { route } from "./operation-query.ts";

/** A row's values in the table's order. */
export type TableRow = readonly unknown[];

/** What one buffer makes of a table. */
export interface Merge {
  /** Rows to add, after those of these keys are gone. */
  readonly rows: readonly TableRow[];
  /** Keys whose older rows are gone: the values of the unique keys' columns, in the table's order. */
  readonly keys: readonly TableRow[];
  readonly rejected: readonly Rejected[];
}

export const plansOf = ({ columns }: Pick<IcebergSettings, "columns">): readonly ColumnPlan[] =>
  columns.map((column) => planColumn(column, { kind: "iceberg" })!); // which the settings have checked

/** Places of the unique keys' columns. */
export const keyPlaces = ({
  columns,
  uniqueKeys,
}: Pick<IcebergSettings, "columns" | "uniqueKeys">): readonly number[] =>
  columns.flatMap(({ name }, place) => (uniqueKeys.includes(name) ? [place] : []));

/**
 * What the records of one buffer do to the table. An update takes the place of all rows that have its key, those of the
 * buffer too; an insert is one row more; after a delete there is none.
 */
export function mergeRecords(records: readonly Uint8Array[], settings: IcebergSettings): Merge {
  const plans = plansOf(settings);
  const places = keyPlaces(settings);
  const rows = new Map<string, TableRow[]>();
  const keys = new Map<string, TableRow>();
  const rejected: Rejected[] = [];
  const decoder = new TextDecoder();
  for (const [index, record] of records.entries()) {
    const read = readRecord(decoder.decode(record), plans, settings);
    if ("errorCode" in read) {
      rejected.push({ index, ...read });
      continue;
    }
    const { row, operation } = read;
    const key = places.map((place) => row[place]);
    // Without a key an insert is alone.
    const name = places.length === 0 ? `#${index}` : key.map(String).join("\u0000");
    if (operation === "insert") {
      rows.set(name, [...(rows.get(name) ?? []), row]);
    } else {
      keys.set(name, key);
      rows.set(name, operation === "update" ? [row] : []);
    }
  }
  return { rows: [...rows.values()].flat(), keys: [...keys.values()], rejected };
}

function readRecord(text: string, plans: readonly ColumnPlan[], settings: IcebergSettings) {
  const refuse = (errorCode: string, errorMessage: string) => ({ errorCode: `Iceberg.${errorCode}`, errorMessage });
  const parsed = rowsOf(text);
  if (!parsed.ok) return refuse("MalformedRecord", parsed.reason);
  const [values, ...others] = parsed.rows;
  if (values === undefined || others.length > 0)
    return refuse("MalformedRecord", "a record is one JSON object: nothing is taken apart for Iceberg");
  const routed = route(settings.query, values);
  if (typeof routed === "string") return refuse("InvalidOperation", routed);
  const { operation, database = settings.database, table = settings.table } = routed;
  if (database !== settings.database || table !== settings.table)
    return refuse("NoSuchTable", `${database}.${table} is not a table of this stream`);
  if (operation !== "insert" && settings.uniqueKeys.length === 0)
    return refuse("MissingUniqueKeys", `the operation ${operation} needs unique keys`);
  const row: unknown[] = [];
  for (const { name, jsonKey, convert } of plans) {
    const value = values[jsonKey];
    const converted = value === undefined || value === null ? null : convert(value);
    if (converted === undefined) return refuse("InvalidColumnValue", `${JSON.stringify(value)} does not fit ${name}`);
    if (converted === null && settings.uniqueKeys.includes(name))
      return refuse("MissingColumnWithinRecord", `the unique key ${name} is missing`);
    row.push(converted);
  }
  return { row: row as TableRow, operation };
}
