import { OUTPUT_ID, type LakeDeclaration } from "./declare.ts";
import { EVENT_DATE } from "./event-date.ts";
import type { LakeColumn } from "./row.ts";

/** The Glue table of a lake's files, repeats and all. */
export const rawTable = (lake: string): string => `${lake}_raw`;

/** The Glue table that a lake's rows are in: with Iceberg there are no repeats to hide, and no view. */
export const tableOf = ({ name, table }: Pick<LakeDeclaration, "name" | "table">): string =>
  table === "iceberg" ? name : rawTable(name);

/** What a view is made from. */
export interface ViewOf {
  readonly name: string;
  readonly columns: readonly Pick<LakeColumn, "name" | "type">[];
  readonly eventDates: LakeDeclaration["eventDates"];
}

/**
 * The SQL of a lake's view, which shows each row once: Firehose may write a row twice, with the same id (X8).
 *
 * A row's repeats are looked for in the folder of its day, where all of them are: the day is the row's own, and a row
 * that is delivered again is the same (X4). So a query that says which days it wants reads these alone.
 *
 * Runs unchanged in Athena and DuckDB. It reads the raw table of the database (schema) it is run in.
 *
 * @example
 * viewSql(hourlyDelays);
 */
export function viewSql(lake: ViewOf): string {
  const names = viewColumns(lake)
    .map(({ name }) => (name === OUTPUT_ID ? name : quoted(name)))
    .join(", ");
  const folder = lake.eventDates === undefined ? "" : `${quoted(EVENT_DATE)}, `;
  // Rows of one id are the same rows (X4), so that any of them will do; the order only makes the choice stable.
  return (
    `SELECT ${names} FROM (SELECT ${names}, ` +
    `row_number() OVER (PARTITION BY ${folder}${OUTPUT_ID} ORDER BY ${OUTPUT_ID}) AS millrace_repeat ` +
    `FROM ${quoted(rawTable(lake.name))}) WHERE millrace_repeat = 1`
  );
}

/** A view's columns: the declared ones, the output id, and the day if there are folders of days. */
export const viewColumns = ({ columns, eventDates }: ViewOf): readonly Pick<LakeColumn, "name" | "type">[] => [
  ...columns,
  { name: OUTPUT_ID, type: "string" },
  ...(eventDates === undefined ? [] : [{ name: EVENT_DATE, type: "string" as const }]),
];

const PRESTO: Readonly<Record<LakeColumn["type"], string>> = {
  string: "varchar",
  bigint: "bigint",
  double: "double",
  boolean: "boolean",
  timestamp: "timestamp",
};

/** A view as Athena keeps it in the Glue catalogue: JSON in base64 in a comment. */
export function viewText(database: string, lake: ViewOf): string {
  const view = {
    originalSql: viewSql(lake),
    catalog: "awsdatacatalog",
    schema: database,
    columns: viewColumns(lake).map(({ name, type }) => ({ name, type: PRESTO[type] })),
  };
  return `/* Presto View: ${Buffer.from(JSON.stringify(view)).toString("base64")} */`;
}

const quoted = (name: string): string => `"${name}"`;
