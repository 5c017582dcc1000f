import type { Column } from "../../pipeline/column.ts";
import { poisonError } from "../../errors.ts";
import type { CutText } from "../../state/cut-text.ts";
import { MAX_INSTANT } from "../../time/instant.ts";
import { rowCutter } from "../row-cutter.ts";

/** A declared column as the catalogue knows it. */
export interface LakeColumn {
  /** The row's field, e.g. `windowStart`. */
  readonly field: string;
  /** The table's column, e.g. `window_start`. */
  readonly name: string;
  readonly type: Column<unknown>["type"];
  readonly nullable: boolean;
}

/** A column with what else its values must be, where a timestamp has to be more than one. */
export interface EncodedColumn extends LakeColumn {
  /** @returns why a time does not fit */
  readonly refuse?: (time: number) => string | undefined;
}

const MAX_BIGINT = 2n ** 63n - 1n;

/** What timestamps are in a row's JSON: Firehose's converter reads milliseconds, and its Iceberg destination microseconds. */
export type TimeUnit = "milliseconds" | "microseconds";

type Encode = (value: unknown) => string | undefined;

/** A row's field as JSON text; nothing when it does not fit. */
const ENCODE: Readonly<Record<LakeColumn["type"], Encode>> = {
  // Lone surrogates have no UTF-8; JSON.stringify writes them as escapes, which Parquet cannot hold.
  string: (value) => (typeof value === "string" && value.isWellFormed() ? JSON.stringify(value) : undefined),
  bigint: (value) => {
    if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : undefined;
    return typeof value === "bigint" && value <= MAX_BIGINT && value >= -MAX_BIGINT - 1n ? String(value) : undefined;
  },
  double: (value) => (typeof value === "number" && Number.isFinite(value) ? String(value) : undefined),
  boolean: (value) => (typeof value === "boolean" ? String(value) : undefined),
  timestamp: (value) =>
    Number.isInteger(value) && Math.abs(value as number) <= MAX_INSTANT ? String(value) : undefined,
};

/** As text, as a double holds not all of them. */
const encodeMicros: Encode = (value) => {
  const millis = ENCODE.timestamp(value);
  return millis === undefined || millis === "0" ? millis : `${millis}000`;
};

/**
 * Makes JSON of rows, as the delivery stream reads it: column names, and timestamps of the epoch. A missing nullable field
 * is left out.
 *
 * What is returned throws poison errors `lake/row` that name table and field.
 */
export const lakeRowCutter = (
  table: string,
  columns: readonly EncodedColumn[],
  unit: TimeUnit = "milliseconds",
): ((row: Readonly<Record<string, unknown>>) => CutText) =>
  rowCutter(
    columns.map(({ name, field, type, nullable, refuse }) => {
      const encode = type === "timestamp" && unit === "microseconds" ? encodeMicros : ENCODE[type];
      return {
        name,
        write(row) {
          const value = row[field];
          if (value === undefined && nullable) return undefined;
          const encoded = encode(value);
          if (encoded === undefined) throw misfit(table, field, type, value);
          const refused = refuse?.(value as number);
          if (refused !== undefined) throw outside(table, field, refused);
          return encoded;
        },
      };
    }),
  );

/** A whole number of so many digits that a double may not hold it, as the value of a column. */
const LONG_NUMBER = /"([^"\\]+)":(-?\d{16,})(?=[,}])/g;

/** Makes rows of what {@link lakeRowCutter} has written: bigints beyond 2^53 come back as such, timestamps as milliseconds. */
export function rowDecoder(
  columns: readonly LakeColumn[],
  unit: TimeUnit = "milliseconds",
): (json: string) => Readonly<Record<string, unknown>> {
  return (json) => {
    const values = JSON.parse(json.replaceAll(LONG_NUMBER, '"$1":"$2"')) as Readonly<Record<string, unknown>>;
    const row: Record<string, unknown> = {};
    for (const { field, name, type } of columns) {
      const value = values[name];
      if (value === undefined) continue;
      if (type === "timestamp" && unit === "microseconds") row[field] = millisOf(value as number | string);
      else row[field] = typeof value === "string" && type !== "string" ? numberOf(value, type) : value;
    }
    return row;
  };
}

/** Of whole milliseconds as microseconds: a text where a double may not hold them. */
const millisOf = (micros: number | string): number => Number(String(micros).replace(/000$/, ""));

function numberOf(digits: string, type: LakeColumn["type"]): number | bigint {
  const number = Number(digits);
  return type === "bigint" && !Number.isSafeInteger(number) ? BigInt(digits) : number;
}

const misfit = (table: string, field: string, type: string, value: unknown) =>
  poisonError({
    code: "lake/row",
    message: `A row for lake("${table}") has a field "${field}" that does not fit a column of type ${type}: ${
      typeof value === "number" || value === null || value === undefined ? String(value) : `a ${typeof value}`
    }.`,
  });

const outside = (table: string, field: string, why: string) =>
  poisonError({ code: "lake/row", message: `A row for lake("${table}") has a time in "${field}" that is ${why}.` });
