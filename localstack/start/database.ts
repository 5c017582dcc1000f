import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from "@duckdb/node-api";

/** A row as DuckDB gives it to JavaScript: bigint for whole numbers of 64 bits, Date for timestamps. */
export type Row = Readonly<Record<string, unknown>>;

/** A DuckDB of its own, with bounded memory, in UTC, that spills into `directory`. */
export class Database {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(directory: string): Promise<Database> {
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: "400MB",
      threads: "2",
      temp_directory: directory,
      // Nothing is ever downloaded: what is needed (parquet, icu, json) is part of the package.
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new Database(instance, connection);
  }

  /** Runs statements, one after the other. */
  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  async rows(sql: string): Promise<readonly Row[]> {
    const reader = await this.#connection.runAndReadAll(sql);
    return reader.getRowObjectsJS();
  }

  /** The only row of a query. */
  async row(sql: string): Promise<Row> {
    const rows = await this.rows(sql);
    if (rows.length !== 1) throw new Error(`${rows.length} rows where one was expected: ${sql}`);
    return rows[0]!;
  }

  /** The rows of a query, a chunk's columns at a time: for results larger than memory. */
  async *chunks(sql: string): AsyncGenerator<readonly (readonly DuckDBValue[])[]> {
    const result = await this.#connection.stream(sql);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield chunk.getColumns();
    }
  }

  close(): void {
    this.#connection.interrupt();
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** A text as an SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name as an SQL identifier. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
