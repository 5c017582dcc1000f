import type { LocalStack } from "../types.ts";
import { identifier, literal, type Database } from "./database.ts";
import { openIcebergTable } from "./iceberg-results.ts";

/** A table of the results as it lies in the lake. */
export interface LakeTable {
  /** The view's name, which is the sink's. */
  readonly name: string;
  readonly files: readonly string[];
  /** Rows in the files, repeats and all. */
  readonly rawRows: number;
  /** Rows that the view hides. */
  readonly repeats: number;
}

/** A table or view of the Glue catalogue. */
export interface TableInput {
  readonly Name: string;
  readonly TableType?: string;
  readonly ViewOriginalText?: string;
  /** Whether it is a table of Iceberg; not the catalogue's word. */
  readonly isIceberg?: boolean;
  readonly PartitionKeys?: readonly { readonly Name: string }[];
  readonly StorageDescriptor?: {
    readonly Location?: string;
    readonly Columns?: readonly { readonly Name: string; readonly Type: string }[];
  };
}

/** Where a lake is read from. */
export interface LakeSource extends Pick<LocalStack, "objectFiles"> {
  readonly tables: readonly TableInput[];
}

/** The lake of a local stack. */
export const lakeOf = (stack: LocalStack): LakeSource => ({
  tables: stack.resources
    .filter(({ type }) => type === "AWS::Glue::Table")
    .map(({ properties }) => ({
      ...(properties["TableInput"] as TableInput),
      isIceberg: properties["OpenTableFormatInput"] !== undefined,
    })),
  objectFiles: (bucket, prefix) => stack.objectFiles(bucket, prefix),
});

/** DuckDB's types of the catalogue's. */
export const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  string: "VARCHAR",
  bigint: "BIGINT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  timestamp: "TIMESTAMP",
};

/**
 * Opens the lake as Athena would: the tables of the Glue catalogue over the Parquet files, and over them the
 * views that the stack ships, with their own SQL.
 */
export async function openLake(database: Database, source: LakeSource): Promise<readonly LakeTable[]> {
  const { tables } = source;
  const files = new Map<string, readonly string[]>();
  const lake: LakeTable[] = [];
  for (const table of tables) {
    if (table.isIceberg === true) lake.push(await openIcebergTable(database, source, table));
    else if (table.TableType !== "VIRTUAL_VIEW") files.set(table.Name, await openRawTable(database, source, table));
  }
  for (const view of tables.filter((table) => table.TableType === "VIRTUAL_VIEW")) {
    const sql = viewSql(view);
    const raw = [...files.keys()].find((name) => sql.includes(`"${name}"`));
    if (raw === undefined) throw new Error(`The view ${view.Name} reads no table of this stack: ${sql}`);
    await database.run(`CREATE OR REPLACE VIEW ${identifier(view.Name)} AS ${sql}`);
    const counts = await database.row(
      `SELECT (SELECT count(*) FROM ${identifier(raw)}) AS raw, (SELECT count(*) FROM ${identifier(view.Name)}) AS shown`,
    );
    const rawRows = Number(counts["raw"]);
    lake.push({ name: view.Name, files: files.get(raw)!, rawRows, repeats: rawRows - Number(counts["shown"]) });
  }
  return lake;
}

/** @returns the table's files */
async function openRawTable(database: Database, source: LakeSource, table: TableInput): Promise<readonly string[]> {
  const { Location: location = "", Columns: columns = [] } = table.StorageDescriptor ?? {};
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(location) ?? [];
  if (bucket === undefined || prefix === undefined)
    throw new Error(`The table ${table.Name} is not on S3: "${location}".`);
  const files = await source.objectFiles(bucket, prefix);
  const types = noRows(columns);
  const folders = (table.PartitionKeys ?? []).map(({ Name }) => identifier(Name));
  const names = [...columns.map(({ Name }) => identifier(Name)), ...folders].join();
  // The names of folders such as event_date=2001-01-01 are columns too, of text.
  const options = `union_by_name = true, hive_partitioning = ${folders.length > 0}, hive_types_autocast = false`;
  const read = `SELECT ${names} FROM read_parquet([${files.map(literal).join()}], ${options})`;
  const none = [...types, ...folders.map((name) => `CAST(NULL AS VARCHAR) AS ${name}`)];
  const empty = `SELECT ${none.join()} WHERE false`;
  await database.run(`CREATE OR REPLACE VIEW ${identifier(table.Name)} AS ${files.length === 0 ? empty : read}`);
  return files;
}

/** The catalogue's columns, so that a table without files has them too. */
export const noRows = (columns: readonly { readonly Name: string; readonly Type: string }[]): readonly string[] =>
  columns.map(({ Name, Type }) => `CAST(NULL AS ${DUCKDB_TYPES[Type] ?? "VARCHAR"}) AS ${identifier(Name)}`);

/** A view's SQL out of Athena's wrapping: JSON in base64 in a comment. */
function viewSql({ Name, ViewOriginalText: text = "" }: TableInput): string {
  const [, base64] = /^\/\* Presto View: (\S+) \*\/$/.exec(text.trim()) ?? [];
  if (base64 === undefined) throw new Error(`The view ${Name} is not one that Athena can read.`);
  const { originalSql } = JSON.parse(Buffer.from(base64, "base64").toString("utf8")) as {
    readonly originalSql: string;
  };
  return originalSql;
}
