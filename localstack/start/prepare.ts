import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { literal, type Database } from "./database.ts";
import type { Demo } from "./demo.ts";

export interface Prepared {
  readonly file: string;
  readonly count: number;
  readonly cached: boolean;
}

/**
 * The demo's events as a Parquet file, and a view `prepared` of it. Made once: the file's name holds a
 * digest of everything it was made from.
 */
export async function prepareEvents(
  database: Database,
  demo: Demo,
  { name, count, directory }: { readonly name: string; readonly count: number; readonly directory: string },
): Promise<Prepared> {
  const file = path.join(directory, `${name}-${count}-${await digestOf(demo.inputs)}.parquet`);
  const cached = existsSync(file);
  if (!cached) {
    await mkdir(directory, { recursive: true });
    const unfinished = `${file}.${process.pid}`;
    await demo.prepare(database, count, unfinished);
    await rename(unfinished, file);
  }
  await database.run(`CREATE OR REPLACE VIEW prepared AS SELECT * FROM read_parquet(${literal(file)})`);
  const { found } = await database.row("SELECT count(*) AS found FROM prepared");
  if (Number(found) !== count)
    throw new Error(`${file} holds ${String(found)} events, not ${count}. Delete it and start again.`);
  return { file, count, cached };
}

async function digestOf(files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(file)).update("\0");
  return hash.digest("hex").slice(0, 12);
}
