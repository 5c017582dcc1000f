import { closeSync, openSync, writeSync } from "node:fs";
import path from "node:path";
import { OUTPUT_ID } from "../../../lib/connectors/firehose/declare.ts";
import type { ColumnType } from "../../../lib/pipeline/column.ts";
import { compare, type Comparison } from "../../../localstack/start/compare.ts";
import { Database, identifier, literal } from "../../../localstack/start/database.ts";
import type { NexmarkEvent } from "../generator/schemas.ts";
import type { NexmarkQuery } from "../queries/query.ts";

/** The events' fields, as DuckDB reads them. Times are epoch milliseconds. */
const FIELDS = {
  ...{ type: "VARCHAR", id: "BIGINT", auction: "BIGINT", bidder: "BIGINT", price: "BIGINT", channel: "VARCHAR" },
  ...{ url: "VARCHAR", dateTime: "BIGINT", expires: "BIGINT", category: "BIGINT", extra: "VARCHAR" },
};

const DUCKDB_TYPES: Readonly<Record<ColumnType, string>> = {
  string: "VARCHAR",
  bigint: "BIGINT",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  timestamp: "BIGINT",
};

const BUFFERED = 1 << 20;

/** DuckDB over the same events: what a query must come to, and how a pipeline's rows compare. */
export class Oracle {
  readonly #database: Database;
  readonly #directory: string;

  private constructor(database: Database, directory: string) {
    this.#database = database;
    this.#directory = directory;
  }

  /** @param directory for files that are read and spilled */
  static async open(directory: string): Promise<Oracle> {
    return new Oracle(await Database.open(directory), directory);
  }

  /** Takes the events in place of those before: tables `auction` and `bid`. */
  async load(events: Iterable<NexmarkEvent>): Promise<void> {
    const file = path.join(this.#directory, "events.ndjson");
    writeLines(file, events);
    await this.loadFile(file);
  }

  /** The same of a file of them, one a line. */
  async loadFile(file: string): Promise<void> {
    await this.#database.run(`
      CREATE OR REPLACE TEMP TABLE event AS
      SELECT * REPLACE (make_timestamp_ms("dateTime") AS "dateTime", make_timestamp_ms(expires) AS expires)
      FROM ${readJson(file, FIELDS)};
      CREATE OR REPLACE TEMP VIEW auction AS
      SELECT id, category, "dateTime" AS date_time, expires FROM event WHERE type = 'auction';
      CREATE OR REPLACE TEMP VIEW bid AS
      SELECT auction, bidder, price, channel, url, "dateTime" AS date_time, extra FROM event WHERE type = 'bid'`);
  }

  /**
   * Compares what a sink was given with what the query must come to.
   *
   * @param rows whether a row has an id, by which it counts once (X8), or counts as often as it is there
   * @throws when one id came with two contents (X4)
   */
  async compare(
    { sink, key, expectedSql }: NexmarkQuery,
    files: string | readonly string[],
    rows: "with ids" | "without ids" = "with ids",
  ): Promise<Comparison> {
    const columns = Object.fromEntries(sink.columns.map(({ name, type }) => [name, DUCKDB_TYPES[type]]));
    const instants = sink.columns
      .filter(({ type }) => type === "timestamp")
      .map(({ name }) => `make_timestamp_ms(${identifier(name)}) AS ${identifier(name)}`);
    await this.#database.run(`
      CREATE OR REPLACE TEMP TABLE given AS
      SELECT ${rows === "with ids" ? "DISTINCT *" : `* REPLACE (row_number() OVER () AS ${OUTPUT_ID})`}
      FROM ${readJson(files, { [OUTPUT_ID]: "VARCHAR", ...columns })};
      CREATE OR REPLACE TEMP VIEW ${identifier(sink.name)} AS
      SELECT * ${instants.length > 0 ? `REPLACE (${instants.join()})` : ""} FROM given;
      CREATE OR REPLACE TEMP TABLE ${identifier(`expected_${sink.name}`)} AS ${expectedSql}`);
    const changed = await this.#database.rows(
      `SELECT ${OUTPUT_ID} AS id FROM given GROUP BY ${OUTPUT_ID} HAVING count(*) > 1 LIMIT 1`,
    );
    if (changed.length > 0) throw new Error(`${String(changed[0]!["id"])} was sent with two contents (X4).`);
    return compare(this.#database, { name: sink.name, rows: "rows", ...(key && { key }) });
  }

  close(): void {
    this.#database.close();
  }
}

const readJson = (files: string | readonly string[], columns: Readonly<Record<string, string>>): string => {
  const types = Object.entries(columns).map(([name, type]) => `${literal(name)}: ${literal(type)}`);
  return `read_json([${[files].flat().map(literal).join()}], format = 'newline_delimited', columns = {${types.join()}})`;
};

/** Writes values into a file, one a line. */
export function writeLines(file: string, values: Iterable<unknown>): void {
  const descriptor = openSync(file, "w");
  let lines = "";
  const write = () => {
    writeSync(descriptor, lines);
    lines = "";
  };
  for (const value of values) {
    lines += `${JSON.stringify(value)}\n`;
    if (lines.length >= BUFFERED) write();
  }
  write();
  closeSync(descriptor);
}
