import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { filesIn, HEAP, javaVersion, MARK, OPENS } from "../../engine/rivals.ts";
import { bundledEntry } from "../../harness/entries.ts";
import { compiledJava, jarsOf, jarVersion } from "../../harness/install.ts";
import { functionNode } from "../../harness/function-node.ts";
import { metered, type Usage } from "../../harness/metered.ts";
import { emptyDirectory } from "../../harness/work.ts";
import type { EventFile } from "./events.ts";

/** What one run of a query came to. */
export interface QueryRun {
  readonly usage: Usage;
  /** Of the processes it cannot do without. */
  readonly beside?: Usage;
  readonly rows: readonly string[];
  /** Whether a row has an id by which it counts once. */
  readonly ids: "with ids" | "without ids";
  /** Millrace's stages. */
  readonly stages?: number;
  /** How many events it had been given at its mark. */
  readonly marked: number | undefined;
}

/** An engine that has queries. */
export interface QueryEngine {
  readonly name: string;
  readonly about: string;
  readonly versions: Readonly<Record<string, string>>;
  /** @default all */
  readonly queries?: readonly string[];
  /** @param mark after how many events it is to note what it has taken (harness/mark.ts) */
  run(query: string, events: EventFile, mark: number): Promise<QueryRun>;
  stop?(): Promise<void>;
}

let rowFiles = 0;

/** A file for rows, in place of the engine's last one. Under another name, as DuckDB may remember what a file held. */
export const newRowFile = (engine: string): string =>
  path.join(emptyDirectory("rows", `nexmark-${engine}`), `${++rowFiles}.ndjson`);

/** How far events may be behind, as published; nothing is late. */
export const DISORDER_SECONDS = 4;

export function millrace(): QueryEngine {
  const entry = bundledEntry("nexmark/peers/millrace-entry");
  return {
    name: "Millrace",
    about:
      "one shard of every stream, a turn and a commit for each batch of 1,000 in every stage; changelog, checkpoints and the streams between stages in memory",
    versions: {},
    async run(query, { file, count }, mark) {
      const rows = newRowFile("millrace");
      const { usage, output, marked } = await metered(functionNode(), [entry, query, file, rows], { mark });
      const { events, stages, late, deadLetters } = JSON.parse(output) as Record<string, number>;
      if (events !== count || late !== 0 || deadLetters !== 0)
        throw new Error(
          `${query} of Millrace has read ${events} of ${count} events, ${late} late, ${deadLetters} dead.`,
        );
      return { usage, rows: [rows], ids: "with ids", stages: stages!, marked };
    },
  };
}

export const JAVA = path.join(import.meta.dirname, "java");
export const javaIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".java"))
    .map((name) => path.join(directory, name));

/** Seconds between checkpoints; where states only grow, each of which is written as a whole, ten. */
const CHECKPOINTS = { usually: 1, ofGrowing: 10 };
const GROWING = ["q18", "q19"];

export function flink(): QueryEngine {
  const jars = jarsOf("flink", path.join(import.meta.dirname, "../../engine/peers/flink/pom.xml"));
  const classPath = compiledJava("nexmark-flink", jars, [MARK, ...javaIn(JAVA), ...javaIn(path.join(JAVA, "flink"))]);
  return {
    name: "Flink",
    about: `DataStream API, exactly-once, one slot, hashmap state, objects reused; a checkpoint every second, every ${CHECKPOINTS.ofGrowing} in ${GROWING.join(" and ")}, whose states only grow`,
    versions: {
      flink: jarVersion(classPath, "flink-runtime"),
      jackson: jarVersion(classPath, "jackson-databind"),
      java: javaVersion(),
    },
    async run(query, { file }, mark) {
      const rows = emptyDirectory("rows", "nexmark-flink");
      const checkpoints = emptyDirectory("flink-checkpoints");
      const args = [
        ...[HEAP, ...OPENS, "-cp", classPath, "FlinkNexmark", query, file, rows, checkpoints],
        ...[DISORDER_SECONDS, GROWING.includes(query) ? CHECKPOINTS.ofGrowing : CHECKPOINTS.usually].map(String),
      ];
      const { usage, marked } = await metered("java", args, { mark });
      rmSync(checkpoints, { recursive: true, force: true });
      return { usage, rows: filesIn(rows), ids: "without ids", marked };
    },
  };
}
