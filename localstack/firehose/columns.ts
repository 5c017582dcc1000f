import type { SchemaElement } from "hyparquet";
import { LongNumber } from "./json-rows.ts";
import { parseSqlTimestamp, parseTime } from "./time-patterns.ts";

/** A column of the Glue table. */
export interface Column {
  readonly name: string;
  readonly type: string;
}

/** How JSON is read into columns. */
export type SerDe =
  /** Firehose's own reading for Iceberg: types as they are, timestamps in microseconds. */
  | { readonly kind: "iceberg" }
  | { readonly kind: "hive"; readonly timestampFormats: readonly string[] }
  | { readonly kind: "openx"; readonly caseInsensitive: boolean; readonly jsonKeys: Readonly<Record<string, string>> };

/** A column ready to be filled. */
export interface ColumnPlan {
  readonly name: string;
  readonly jsonKey: string;
  readonly element: SchemaElement;
  /** The Parquet value; undefined when the JSON value does not convert. Never given null. */
  readonly convert: (value: unknown) => unknown;
}

/** Undefined for a type that the local stack does not write (nested ones). */
export function planColumn(column: Column, serDe: SerDe): ColumnPlan | undefined {
  const type = column.type.trim().toLowerCase();
  const [base = "", argument = ""] = type.split(/[()]/);
  const common = { name: column.name, repetition_type: "OPTIONAL" } as const;
  const jsonKey = jsonKeyOf(column.name, serDe);
  const plan = (element: Omit<SchemaElement, "name">, convert: ColumnPlan["convert"]): ColumnPlan => ({
    name: column.name,
    jsonKey,
    element: { ...common, ...element },
    convert,
  });
  switch (base) {
    case "string":
    case "varchar":
    case "char":
      return plan({ type: "BYTE_ARRAY", converted_type: "UTF8" }, (value) => toText(value, serDe));
    case "tinyint":
      return plan({ type: "INT32" }, (value) => toInteger(value, 127, serDe));
    case "smallint":
      return plan({ type: "INT32" }, (value) => toInteger(value, 32_767, serDe));
    case "int":
    case "integer":
      return plan({ type: "INT32" }, (value) => toInteger(value, 2_147_483_647, serDe));
    case "bigint":
      return plan({ type: "INT64" }, (value) => toBigInt(value, serDe));
    case "float":
      return plan({ type: "FLOAT" }, (value) => toDouble(value, serDe));
    case "double":
      return plan({ type: "DOUBLE" }, (value) => toDouble(value, serDe));
    case "boolean":
      return plan({ type: "BOOLEAN" }, (value) => toBoolean(value, serDe));
    case "timestamp":
      if (serDe.kind === "iceberg") return plan(ICEBERG_TIMESTAMP, (value) => toBigInt(value, serDe));
      return plan({ type: "INT64", converted_type: "TIMESTAMP_MILLIS" }, (value) => toTimestamp(value, serDe));
    case "date":
      return plan({ type: "INT32", converted_type: "DATE" }, toDays);
    case "decimal": {
      const [precision = 10, scale = 0] = argument === "" ? [] : argument.split(",").map(Number);
      if (precision > 18) return undefined;
      const element = { type: "INT64", converted_type: "DECIMAL", precision, scale } as const;
      return plan(element, (value) => toDecimal(value, precision, scale));
    }
    default:
      return undefined;
  }
}

const ICEBERG_TIMESTAMP: Omit<SchemaElement, "name"> = {
  type: "INT64",
  converted_type: "TIMESTAMP_MICROS",
  logical_type: { type: "TIMESTAMP", isAdjustedToUTC: false, unit: "MICROS" },
};

/** Glue's column names are lower case; keys are looked up as `rowKey` makes them. */
function jsonKeyOf(name: string, serDe: SerDe): string {
  if (serDe.kind === "iceberg") return name;
  if (serDe.kind === "hive") return name.toLowerCase();
  const mapped = serDe.jsonKeys[name] ?? name;
  return serDe.caseInsensitive ? mapped.toLowerCase() : mapped;
}

/** Whether a row's keys are matched without regard to case. */
export function ignoresCase(serDe: SerDe): boolean {
  return serDe.kind === "hive" || (serDe.kind === "openx" && serDe.caseInsensitive);
}

function toText(value: unknown, serDe: SerDe): string | undefined {
  if (typeof value === "string") return value;
  if (serDe.kind === "iceberg") return undefined;
  if (value instanceof LongNumber) return value.text;
  if (typeof value === "object" && value !== null) return serDe.kind === "openx" ? JSON.stringify(value) : undefined;
  return JSON.stringify(value);
}

function toInteger(value: unknown, most: number, serDe: SerDe): number | undefined {
  const number = toDouble(value, serDe);
  return number !== undefined && Number.isInteger(number) && number <= most && number >= -most - 1 ? number : undefined;
}

function toBigInt(value: unknown, serDe: SerDe): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  const text =
    value instanceof LongNumber ? value.text : serDe.kind === "openx" && typeof value === "string" ? value : "";
  if (!/^-?[0-9]+$/.test(text)) return undefined;
  const integer = BigInt(text);
  return BigInt.asIntN(64, integer) === integer ? integer : undefined;
}

function toDouble(value: unknown, serDe: SerDe): number | undefined {
  if (typeof value === "number") return value;
  if (value instanceof LongNumber) return Number(value.text);
  // OpenX reads numbers out of strings; Hive's SerDe does not.
  if (serDe.kind !== "openx" || typeof value !== "string" || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

function toBoolean(value: unknown, serDe: SerDe): boolean | undefined {
  if (typeof value === "boolean") return value;
  if (serDe.kind !== "openx" || typeof value !== "string") return undefined;
  return value.toLowerCase() === "true" ? true : value.toLowerCase() === "false" ? false : undefined;
}

function toTimestamp(value: unknown, serDe: SerDe): bigint | undefined {
  const millis = timestampMillis(value, serDe);
  return millis === undefined ? undefined : BigInt(Math.trunc(millis));
}

/** Epoch numbers from here on are milliseconds for OpenX, below they are seconds. */
const firstMillis = 100_000_000_000;

function timestampMillis(value: unknown, serDe: SerDe): number | undefined {
  if (typeof value === "number") {
    if (serDe.kind === "hive") return serDe.timestampFormats.includes("millis") ? value : undefined;
    return Math.abs(value) >= firstMillis ? value : value * 1000;
  }
  if (typeof value !== "string") return undefined;
  const sql = parseSqlTimestamp(value);
  if (sql !== undefined) return sql;
  if (serDe.kind === "openx") {
    const parsed = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T/.test(value) ? Date.parse(value) : NaN;
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  if (serDe.kind === "iceberg") return undefined; // they are microseconds
  for (const pattern of serDe.timestampFormats) {
    const parsed =
      pattern === "millis" ? (/^[0-9]+$/.test(value) ? Number(value) : undefined) : parseTime(pattern, value);
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}

const dayMillis = 86_400_000;

function toDays(value: unknown): number | undefined {
  const millis = typeof value === "string" ? parseTime("yyyy-MM-dd", value) : undefined;
  return millis === undefined ? undefined : millis / dayMillis;
}

/** The unscaled integer; digits beyond the scale do not convert. */
function toDecimal(value: unknown, precision: number, scale: number): bigint | undefined {
  const text =
    value instanceof LongNumber
      ? value.text
      : typeof value === "number" || typeof value === "string"
        ? String(value)
        : "";
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = ""] = match;
  if (fraction.length > scale) return undefined;
  const unscaled = BigInt(whole + fraction.padEnd(scale, "0"));
  if (unscaled.toString().length > precision) return undefined;
  return sign === "-" ? -unscaled : unscaled;
}
