import { gzipSync } from "node:zlib";
import type { DecodedArray } from "hyparquet";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import { ignoresCase, planColumn, type Column, type ColumnPlan, type SerDe } from "./columns.ts";
import { rowsOf } from "./json-rows.ts";

export type ParquetCompression = "UNCOMPRESSED" | "SNAPPY" | "GZIP";

export interface ConversionSettings {
  readonly columns: readonly Column[];
  readonly serDe: SerDe;
  readonly compression: ParquetCompression;
}

/** A record that did not convert, by its place among those given. */
export interface Rejected {
  readonly index: number;
  readonly errorCode: string;
  readonly errorMessage: string;
}

export interface Conversion {
  /** Undefined when not a single row converted. */
  readonly parquet: Uint8Array | undefined;
  readonly rows: number;
  readonly rejected: readonly Rejected[];
}

/** Turns delivery records into one Parquet file. A record of which any row does not convert is rejected whole. */
export function convertRecords(records: readonly Uint8Array[], settings: ConversionSettings): Conversion {
  const plans = settings.columns.map((column) => {
    const plan = planColumn(column, settings.serDe);
    if (plan === undefined)
      throw new TypeError(`the column ${column.name} has the type ${column.type}, which is not written`);
    return plan;
  });
  const data: unknown[][] = plans.map(() => []);
  const rejected: Rejected[] = [];
  const lowerKeys = ignoresCase(settings.serDe);
  const decoder = new TextDecoder();
  let rows = 0;
  records.forEach((record, index) => {
    const before = rows;
    const parsed = rowsOf(decoder.decode(record));
    let reason = parsed.ok ? undefined : parsed.reason;
    if (parsed.ok) {
      for (const row of parsed.rows) {
        reason = addRow(row, plans, data, lowerKeys);
        rows += 1;
        if (reason !== undefined) break;
      }
    }
    if (reason === undefined) return;
    for (const column of data) column.length = before;
    rows = before;
    rejected.push({
      index,
      errorCode: "DataFormatConversion.MalformedData",
      errorMessage: `Data is malformed: ${reason}`,
    });
  });
  return { parquet: rows === 0 ? undefined : write(plans, data, settings.compression), rows, rejected };
}

/** Fills one row. Gives the reason if a value does not convert; the row is then incomplete. */
function addRow(
  row: Readonly<Record<string, unknown>>,
  plans: readonly ColumnPlan[],
  data: readonly unknown[][],
  lowerKeys: boolean,
): string | undefined {
  const values = lowerKeys ? withLowerKeys(row) : row;
  for (const [index, plan] of plans.entries()) {
    const value = values[plan.jsonKey];
    const converted = value === undefined || value === null ? null : plan.convert(value);
    if (converted === undefined) return `${JSON.stringify(value)} does not fit the column ${plan.name}`;
    data[index]?.push(converted);
  }
  return undefined;
}

function withLowerKeys(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let lowered: Record<string, unknown> | undefined;
  for (const key in row) {
    const lower = key.toLowerCase();
    if (lower === key) continue;
    lowered ??= { ...row };
    lowered[lower] = row[key];
  }
  return lowered ?? row;
}

function write(plans: readonly ColumnPlan[], data: readonly unknown[][], codec: ParquetCompression): Uint8Array {
  const columnData: ColumnSource[] = plans.map((plan, index) => ({
    name: plan.name,
    data: (data[index] ?? []) as DecodedArray,
  }));
  const buffer = parquetWriteBuffer({
    columnData,
    schema: [{ name: "root", num_children: plans.length }, ...plans.map((plan) => plan.element)],
    codec,
    compressors: { GZIP: (input) => gzipSync(input) },
  });
  return new Uint8Array(buffer);
}
