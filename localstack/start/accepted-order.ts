import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { literal, type Database } from "./database.ts";
import type { Accepted } from "./feed.ts";

/** The order in which the stream accepted events, kept on disk: `n,shard,sequence` a line. */
export class AcceptedOrder {
  readonly file: string;
  readonly #out: WriteStream;
  readonly #shards = new Set<string>();

  constructor(file: string) {
    this.file = file;
    this.#out = createWriteStream(file);
  }

  async add(accepted: readonly Accepted[]): Promise<void> {
    if (accepted.length === 0) return;
    for (const { shard } of accepted) this.#shards.add(shard);
    const lines = accepted.map(({ n, shard, sequence }) => `${n},${shard},${sequence}\n`).join("");
    if (!this.#out.write(lines)) await once(this.#out, "drain");
  }

  /** Whether a shard took an event. */
  readonly hasRecords = (shard: string): boolean => this.#shards.has(shard);

  async close(): Promise<void> {
    this.#out.end();
    await finished(this.#out);
  }

  /** Makes it the view `accepted`. */
  async createView(database: Database): Promise<void> {
    await database.run(`
      CREATE OR REPLACE VIEW accepted AS SELECT * FROM read_csv(${literal(this.file)}, header = false, auto_detect = false,
        columns = {'n': 'BIGINT', 'shard': 'VARCHAR', 'sequence': 'VARCHAR'})`);
  }
}
