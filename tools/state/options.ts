import { parseArgs } from "node:util";
import type { StatePlace } from "./place.ts";
import { UsageError } from "../run-tool.ts";

/** Where to find tasks and their state: a stack's outputs tell, or the caller. */
export type Where = { readonly stack: string; readonly prefix?: string } | StatePlace;

export type Options =
  | { readonly command: "help" }
  | {
      readonly command: "largest";
      readonly where: Where;
      /** Path of the pipeline's module; undefined for one of infra/pipelines.ts. */
      readonly pipeline: string | undefined;
      readonly operator: string | undefined;
      readonly shard: string | undefined;
      readonly limit: number;
      readonly json: boolean;
    };

const DEFAULT_LIMIT = 20;

export const HELP = `What takes the room in a pipeline's state.

  npm run state -- largest                   the keys that take most, over all shards

Where:
  --stack NAME          a deployed stack; --prefix P if it has several pipelines
or, for a local stack or any other:
  --table NAME          the changelog table
  --bucket NAME         the state bucket
  --stream ARN          the stream that the stage reads
  --tasks PREFIX        what the names of the stage's tasks begin with. Several stages: these
                        two for each, in the same order

  --pipeline PATH       the module whose default export is the pipeline
                                                             [the one of infra/pipelines.ts]
  --operator NAME       of one operator only
  --shard ID            of one shard only
  --limit N             so many keys                                               [${DEFAULT_LIMIT}]
  --json                list as JSON
  --help                this text

It reads what a function reads that begins, and changes nothing. Sizes are in bytes as written,
before compression. Region, credentials and endpoints are those of the environment, as for the
AWS CLI.

Exit code 0: done. 1: something failed. 2: the command line is wrong.
`;

const OPTIONS = {
  stack: { type: "string" },
  prefix: { type: "string" },
  table: { type: "string" },
  bucket: { type: "string" },
  stream: { type: "string", multiple: true },
  tasks: { type: "string", multiple: true },
  pipeline: { type: "string" },
  operator: { type: "string" },
  shard: { type: "string" },
  limit: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  const [command, ...others] = positionals;
  if (values.help === true || command === undefined) return { command: "help" };
  if (command !== "largest") throw new UsageError(`There is no command "${command}": largest. See --help.`);
  if (others.length > 0) throw new UsageError(`"${command}" takes no "${others[0]!}". See --help.`);
  const { pipeline, operator, shard } = values;
  return {
    ...{ command, where: whereOf(values), pipeline, operator, shard },
    limit: limitOf(values.limit),
    json: values.json === true,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} See --help.`);
  }
}

function whereOf({
  stack,
  prefix,
  table,
  bucket,
  stream = [],
  tasks = [],
}: ReturnType<typeof parsed>["values"]): Where {
  if (stack !== undefined) {
    if (table !== undefined || bucket !== undefined || stream.length + tasks.length > 0)
      throw new UsageError("Give --stack, or --table, --bucket, --stream and --tasks, not both.");
    return { stack, ...(prefix === undefined ? {} : { prefix }) };
  }
  if (table === undefined || bucket === undefined)
    throw new UsageError("Where is the state? Give --stack NAME, or --table NAME and --bucket NAME. See --help.");
  if (stream.length === 0 || stream.length !== tasks.length)
    throw new UsageError("Which tasks? Give --stream ARN and --tasks PREFIX for each stage. See --help.");
  return { table, bucket, stages: stream.map((streamArn, i) => ({ streamArn, tasks: tasks[i]! })) };
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT;
  const limit = /^\d+$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 100_000) return limit;
  throw new UsageError(`--limit is a whole number of keys, 1 to 100000, not "${text}".`);
}
