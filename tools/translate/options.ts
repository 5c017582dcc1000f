import { parseArgs } from "node:util";
import { UsageError } from "../run-tool.ts";

export type Options =
  | { readonly command: "help" }
  | {
      readonly command: "translate";
      readonly table: string;
      readonly region: string | undefined;
      readonly pipeline: string;
      readonly source: string;
      readonly sink: string;
      readonly generation: number;
      readonly incarnation: number;
      readonly read: Readonly<Record<string, string>>;
    };

export const HELP = `Where a reader of a copy begins, by how far it was in the source: docs/replication.md.

  npm run translate -- --table T --pipeline P --source S --sink C --read JSON

  --table NAME          the table of positions
  --region REGION       that it is in                             [the environment's]
  --pipeline NAME       the pipeline that copies; --source and --sink, as it names them
  --generation N        as deployed                                               [0]
  --incarnation N       of the source, as deployed                                [0]
  --read JSON           by shard or partition of the source, the last sequence number or
                        offset that was read: {"shardId-000000000000": "4959…"}
                        (a consumer group's committed offset is one more than that)
  --help                this text

It prints JSON: "timestamp", before which no copy of anything unread came, and "after", by shard
or partition of the copy, the last that need not be read. It changes nothing.

Exit code 0: done. 1: something failed. 2: the command line is wrong.
`;

const OPTIONS = {
  table: { type: "string" },
  region: { type: "string" },
  pipeline: { type: "string" },
  source: { type: "string" },
  sink: { type: "string" },
  generation: { type: "string" },
  incarnation: { type: "string" },
  read: { type: "string" },
  help: { type: "boolean" },
} as const;

/** @throws UsageError naming what is missing or wrong */
export function parseOptions(args: readonly string[]): Options {
  let values;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS, strict: true }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if (values.help === true) return { command: "help" };
  const text = (name: "table" | "pipeline" | "source" | "sink" | "read") => {
    const value = values[name];
    if (value === undefined || value === "") throw new UsageError(`--${name} is missing.`);
    return value;
  };
  const count = (name: "generation" | "incarnation") => {
    const value = values[name] ?? "0";
    if (!/^\d{1,9}$/.test(value)) throw new UsageError(`--${name} is a whole number, not ${value}.`);
    return Number(value);
  };
  return {
    command: "translate",
    table: text("table"),
    region: values.region,
    pipeline: text("pipeline"),
    source: text("source"),
    sink: text("sink"),
    generation: count("generation"),
    incarnation: count("incarnation"),
    read: placesIn(text("read")),
  };
}

function placesIn(json: string): Readonly<Record<string, string>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new UsageError("--read is no JSON.");
  }
  const isPlaces =
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((place) => typeof place === "string");
  if (isPlaces && Object.keys(value as object).length > 0) return value as Record<string, string>;
  throw new UsageError("--read is an object of texts, one for each shard or partition.");
}
