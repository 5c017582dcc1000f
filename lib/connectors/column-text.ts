import type { ColumnType } from "../pipeline/column.ts";
import { MAX_INSTANT } from "../time/instant.ts";

const MAX_BIGINT = 2n ** 63n - 1n;

/** Whether a value fits a column of whole numbers: 64 bits. */
export const isBigint = (value: unknown): value is number | bigint =>
  typeof value === "number"
    ? Number.isSafeInteger(value)
    : typeof value === "bigint" && value <= MAX_BIGINT && value >= -MAX_BIGINT - 1n;

/** What JSON has for a value of a column; nothing for one that does not fit. */
export const COLUMN_TEXT: Readonly<Record<ColumnType, (value: unknown) => string | undefined>> = {
  // Lone surrogates have no UTF-8; JSON.stringify writes them as escapes, which Parquet cannot hold.
  string: (value) => (typeof value === "string" && value.isWellFormed() ? JSON.stringify(value) : undefined),
  bigint: (value) => (isBigint(value) ? String(value) : undefined),
  double: (value) => (typeof value === "number" && Number.isFinite(value) ? String(value) : undefined),
  boolean: (value) => (typeof value === "boolean" ? String(value) : undefined),
  timestamp: (value) =>
    Number.isInteger(value) && Math.abs(value as number) <= MAX_INSTANT ? String(value) : undefined,
};

/** A whole number of so many digits that a double may not hold it, as the value of a field. */
const LONG_NUMBER = /"([^"\\]+)":(-?\d{16,})(?=[,}])/g;

/** A row of such texts, whose long numbers are texts still. */
export const parsedRow = (json: string): Record<string, unknown> =>
  JSON.parse(json.replaceAll(LONG_NUMBER, '"$1":"$2"')) as Record<string, unknown>;

/** The number that digits are in a column of a type: a bigint where a double does not hold it. */
export function numberOf(type: ColumnType, digits: string): number | bigint {
  const number = Number(digits);
  return type === "bigint" && !Number.isSafeInteger(number) ? BigInt(digits) : number;
}
