import type { Column } from "../../pipeline/column.ts";
import { poisonError } from "../../errors.ts";
import type { CutText } from "../../state/cut-text.ts";
import { COLUMN_TEXT, numberOf, parsedRow } from "../column-text.ts";
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

/** What timestamps are in a row's JSON: Firehose's converter reads milliseconds, and its Iceberg destination microseconds. */
export type TimeUnit = "milliseconds" | "microseconds";

/** As text, as a double holds not all of them. */
function microsOf(value: unknown): string | undefined {
  const millis = COLUMN_TEXT.timestamp(value);
  return millis === undefined || millis === "0" ? millis : `${millis}000`;
}

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
      const textOf = type === "timestamp" && unit === "microseconds" ? microsOf : COLUMN_TEXT[type];
      return {
        ...{ field, name, nullable },
        write(value) {
          const text = textOf(value);
          if (text === undefined) throw misfit(table, field, type, value);
          const refused = refuse?.(value as number);
          if (refused !== undefined) throw outside(table, field, refused);
          return text;
        },
      };
    }),
  );

/** Makes rows of what {@link lakeRowCutter} has written: bigints beyond 2^53 come back as such, timestamps as milliseconds. */
export function rowDecoder(
  columns: readonly LakeColumn[],
  unit: TimeUnit = "milliseconds",
): (json: string) => Readonly<Record<string, unknown>> {
  return (json) => {
    const values = parsedRow(json);
    const row: Record<string, unknown> = {};
    for (const { field, name, type } of columns) {
      const value = values[name];
      if (value === undefined) continue;
      if (type === "timestamp" && unit === "microseconds") row[field] = millisOf(value as number | string);
      else row[field] = typeof value === "string" && type !== "string" ? numberOf(type, value) : value;
    }
    return row;
  };
}

/** Of whole milliseconds as microseconds: a text where a double may not hold them. */
const millisOf = (micros: number | string): number => Number(String(micros).replace(/000$/, ""));

const misfit = (table: string, field: string, type: string, value: unknown) =>
  poisonError({
    code: "lake/row",
    message: `A row for lake("${table}") has a field "${field}" that does not fit a column of type ${type}: ${
      typeof value === "number" || value === null || value === undefined ? String(value) : `a ${typeof value}`
    }.`,
  });

const outside = (table: string, field: string, why: string) =>
  poisonError({ code: "lake/row", message: `A row for lake("${table}") has a time in "${field}" that is ${why}.` });
