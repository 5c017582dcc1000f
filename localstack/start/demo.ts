import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import type { Database } from "./database.ts";
import { UsageError } from "./options.ts";

/**
 * What a pipeline's folder tells the main command, in `functions/NAME/demo/index.ts`: real events, and
 * what must come of them by a computation that shares nothing with the pipeline.
 */
export interface Demo {
  /** What one event is, in the plural: "departures". */
  readonly events: string;
  /** How many there are. */
  readonly available: number;
  readonly defaults: { readonly events: number; readonly shards: number };
  /** Files that the prepared events depend on: data and code. A change of one prepares anew. */
  readonly inputs: readonly string[];
  /**
   * Writes the first `count` events to a Parquet file, in the order in which they are to be pushed. A
   * column `n` numbers them from 0.
   */
  prepare(database: Database, count: number, file: string): Promise<void>;
  /** Gives `n`, `partition_key` and `event` (JSON) of the rows of `prepared`. */
  readonly eventsSql: string;
  /**
   * Makes one table `expected_SINK` per sink, from `prepared` and
   * - `accepted (n, shard, sequence)`: the place that the stream gave to each event; sequences are decimal texts;
   * - `lineage (partition_key, shard, ancestor)`: the shards that a key's events went to before this one, which were
   *   split or merged since. What they had closed is closed.
   */
  readonly oracleSql: string;
  /** The first is the one that the last line of the report counts. */
  readonly sinks: readonly [ExpectedSink, ...ExpectedSink[]];
  /** What a reader may want to see of the results: queries over the views, which have their sinks' names. */
  readonly highlights: readonly Highlight[];
}

/** What is compared of a sink. */
export interface ExpectedSink {
  /** The table's name. */
  readonly name: string;
  /** What its rows are: "windows". */
  readonly rows: string;
  /** The columns that name a row; every other one is compared. Without it rows are compared as a multiset. */
  readonly key?: readonly string[];
  /** Columns that need not agree to the last bit, with the relative difference that is allowed. */
  readonly closeTo?: Readonly<Record<string, number>>;
}

export interface Highlight {
  readonly title: string;
  readonly sql: string;
}

/** Loads a pipeline's demo. @throws UsageError for a folder without one */
export async function loadDemo(functions: URL, name: string): Promise<Demo> {
  const file = new URL(`${name}/demo/index.ts`, functions);
  if (!existsSync(file)) {
    const folders = await readdir(functions, { withFileTypes: true });
    const names = folders
      .filter((folder) => folder.isDirectory() && existsSync(new URL(`${folder.name}/demo/index.ts`, functions)))
      .map((folder) => folder.name);
    throw new UsageError(`There is no functions/${name}/demo. There is: ${names.join(", ")}.`);
  }
  const { demo } = (await import(file.href)) as { readonly demo: Demo };
  return demo;
}
