import { OUTPUT_ID } from "./declare.ts";
import type { LakeColumn } from "./row.ts";

/** The Glue table of a lake's files, repeats and all. */
export const rawTable = (lake: string): string => `${lake}_raw`;

/**
 * The SQL of a lake's view, which shows each row once: Firehose may write a row twice, with the same id (X8).
 *
 * Runs unchanged in Athena and DuckDB. It reads the raw table of the database (schema) it is run in.
 *
 * @example
 * viewSql("hourly_delays", hourlyDelays.columns);
 */
export function viewSql(lake: string, columns: readonly Pick<LakeColumn, "name">[]): string {
  const names = [...columns.map((column) => quoted(column.name)), OUTPUT_ID].join(", ");
  // Rows of one id are the same rows (X4), so that any of them will do; the order only makes the choice stable.
  return (
    `SELECT ${names} FROM (SELECT ${names}, ` +
    `row_number() OVER (PARTITION BY ${OUTPUT_ID} ORDER BY ${OUTPUT_ID}) AS millrace_repeat ` +
    `FROM ${quoted(rawTable(lake))}) WHERE millrace_repeat = 1`
  );
}

const PRESTO: Readonly<Record<LakeColumn["type"], string>> = {
  string: "varchar",
  bigint: "bigint",
  double: "double",
  boolean: "boolean",
  timestamp: "timestamp",
};

/** A view as Athena keeps it in the Glue catalogue: JSON in base64 in a comment. */
export function viewText(
  database: string,
  lake: string,
  columns: readonly Pick<LakeColumn, "name" | "type">[],
): string {
  const view = {
    originalSql: viewSql(lake, columns),
    catalog: "awsdatacatalog",
    schema: database,
    columns: [...columns, { name: OUTPUT_ID, type: "string" as const }].map(({ name, type }) => ({
      name,
      type: PRESTO[type],
    })),
  };
  return `/* Presto View: ${Buffer.from(JSON.stringify(view)).toString("base64")} */`;
}

const quoted = (name: string): string => `"${name}"`;
