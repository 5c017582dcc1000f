import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { identifier, literal, type Database } from "../start/database.ts";
import { DUCKDB_TYPES, type LakeSource, type TableInput } from "../start/results.ts";
import type { EmulatedStack } from "./emulated-stack.ts";
import { contentOf, keysOf } from "./objects.ts";

/** The Glue tables and views of a stack's database. */
export async function tablesOf(stack: EmulatedStack): Promise<readonly TableInput[]> {
  const { TableList } = (await stack.clients.json.call("glue", "GetTables", {
    DatabaseName: stack.output("Database"),
  })) as { readonly TableList: readonly TableInput[] };
  return TableList;
}

/**
 * The lake, as far as the emulator has it. It converts to Parquet and knows the Glue table, but not the setting that
 * timestamps are epoch milliseconds: so it sets rows with timestamps aside, whole, in error objects, as Firehose does with what
 * does not fit. Those rows are taken out of the error objects and made Parquet files by the same Glue table.
 */
export class EmulatedLake implements LakeSource {
  readonly tables: readonly TableInput[];
  readonly #stack: EmulatedStack;
  readonly #database: Database;
  readonly #directory: string;
  #setAside = 0;

  constructor(stack: EmulatedStack, tables: readonly TableInput[], database: Database, directory: string) {
    this.tables = tables;
    this.#stack = stack;
    this.#database = database;
    this.#directory = directory;
  }

  /** Rows that were in error objects. */
  get setAside(): number {
    return this.#setAside;
  }

  async objectFiles(bucket: string, prefix: string): Promise<readonly string[]> {
    const { s3 } = this.#stack.clients;
    const table = this.tables.find(({ StorageDescriptor }) => StorageDescriptor?.Location?.endsWith(`/${prefix}`));
    if (table === undefined) throw new Error(`No table lies at ${prefix}.`);
    const directory = path.join(this.#directory, table.Name);
    await mkdir(directory, { recursive: true });
    const files: string[] = [];
    for (const key of await keysOf(s3, bucket, prefix)) {
      const file = path.join(directory, `${files.length}.parquet`);
      await writeFile(file, await contentOf(s3, bucket, key));
      files.push(file);
    }
    const errorPrefix = prefix.replace(/^data\//, "errors/");
    const rows: string[] = [];
    for (const key of await keysOf(s3, bucket, errorPrefix)) {
      const object = Buffer.from(await contentOf(s3, bucket, key)).toString("utf8");
      for (const line of object.trim().split("\n")) rows.push(...rowsOfError(line, table.Name));
    }
    this.#setAside += rows.length;
    if (rows.length > 0) {
      const file = path.join(directory, "set-aside.parquet");
      await this.#convert(rows, table, file);
      files.push(file);
    }
    return files;
  }

  async #convert(rows: readonly string[], table: TableInput, file: string): Promise<void> {
    const columns = table.StorageDescriptor?.Columns ?? [];
    const names = new Set(columns.map(({ Name }) => Name));
    for (const row of rows) {
      const unknown = Object.keys(JSON.parse(row) as object).filter((name) => !names.has(name));
      if (unknown.length > 0) throw new Error(`A row of ${table.Name} has no column for ${unknown.join(", ")}.`);
    }
    const json = `${file}.json`;
    await writeFile(json, rows.map((row) => `${row}\n`).join(""));
    const read = columns.map(({ Name, Type }) => {
      const type = Type === "timestamp" ? "BIGINT" : DUCKDB_TYPES[Type]!;
      return `${literal(Name)}: ${literal(type)}`;
    });
    const made = columns.map(({ Name, Type }) =>
      Type === "timestamp" ? `make_timestamp_ms(${identifier(Name)}) AS ${identifier(Name)}` : identifier(Name),
    );
    await this.#database.run(`
      COPY (
        SELECT ${made.join()}
        FROM read_json(${literal(json)}, format = 'newline_delimited', columns = {${read.join()}})
      ) TO ${literal(file)} (FORMAT PARQUET)`);
  }
}

/** The rows of one record that Firehose could not convert. */
function rowsOfError(line: string, table: string): readonly string[] {
  const { rawData, ErrorCode, ErrorMessage } = JSON.parse(line) as Readonly<Record<string, string>>;
  if (rawData === undefined) throw new Error(`An error object of ${table} holds no rawData: ${line}`);
  const rows = Buffer.from(rawData, "base64").toString("utf8").trim().split("\n");
  const hasTimestamp = rows.every((row) => /"(window_start|window_end|departed_at)":\d+/.test(row));
  if (ErrorCode !== "DataFormatConversion.MalformedData" || !hasTimestamp) {
    throw new Error(
      `A record of ${table} was refused for another reason than its timestamps: ${ErrorMessage ?? line}\n${rows.join("\n")}`,
    );
  }
  return rows;
}
