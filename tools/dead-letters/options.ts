import { parseArgs } from "node:util";
import type { StagePlace } from "./place.ts";
import { UsageError } from "../run-tool.ts";

/** Where to find the queues: a stack's outputs tell, or the caller. */
export type Where =
  | { readonly stack: string; readonly prefix?: string }
  | { readonly queue: string; readonly bucket: string; readonly stages: readonly StagePlace[] };

/** Which letters are meant. */
export type Selection = { readonly ids: readonly string[] } | { readonly reason: string } | { readonly all: true };

export type Options =
  | { readonly command: "help" }
  | { readonly command: "list"; readonly where: Where; readonly json: boolean }
  | { readonly command: "show"; readonly where: Where; readonly id: string }
  | {
      readonly command: "redrive";
      readonly where: Where;
      readonly selection: Selection;
      readonly dryRun: boolean;
      /** Letters a second. */
      readonly rate: number;
    };

/** Redrives are turns of the same tasks that fold the stream, and each may cost the other a race. */
const DEFAULT_RATE = 20;

export const HELP = `What a pipeline could not process: read it, and give it back.

  npm run dead-letters -- list               all letters, and how many there are of each reason
  npm run dead-letters -- show ID            one letter, with its payload
  npm run dead-letters -- redrive ID...      give letters back to their tasks
  npm run dead-letters -- redrive --reason CODE
  npm run dead-letters -- redrive --all

Where:
  --stack NAME          a deployed stack; --prefix P if it has several pipelines
or, for a local stack or any other:
  --queue URL           the dead-letter queue
  --bucket NAME         the state bucket
  --control-queue URL   the stage's tick queue (redrive)
  --tasks PREFIX        what the names of the stage's tasks begin with: letters of others are
                        refused here, and by the function where it is not given. Several
                        stages: these two for each, in the same order

  --json                list as JSON
  --dry-run             say what would be redriven, and do nothing
  --rate N              letters a second                                           [${DEFAULT_RATE}]
  --help                this text

A redrive has its effect once, however often this command is interrupted or run again. Region,
credentials and endpoints are those of the environment, as for the AWS CLI.

Exit code 0: done. 1: something failed or was refused; run it again when that is mended.
2: the command line is wrong. 130: Ctrl-C.
`;

const OPTIONS = {
  stack: { type: "string" },
  prefix: { type: "string" },
  queue: { type: "string" },
  "control-queue": { type: "string", multiple: true },
  bucket: { type: "string" },
  tasks: { type: "string", multiple: true },
  reason: { type: "string" },
  rate: { type: "string" },
  all: { type: "boolean" },
  json: { type: "boolean" },
  "dry-run": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  const [command, ...ids] = positionals;
  if (values.help === true || command === undefined) return { command: "help" };
  const extra = (what: string) => new UsageError(`"${command}" takes no ${what}. See --help.`);
  if (command !== "list" && values.json === true) throw extra("--json");
  if (command !== "redrive") {
    for (const name of ["all", "reason", "dry-run", "rate"] as const)
      if (values[name] !== undefined) throw extra(`--${name}`);
  }
  switch (command) {
    case "list":
      if (ids.length > 0) throw extra(`"${ids[0]!}"`);
      return { command, where: whereOf(values, command), json: values.json === true };
    case "show":
      if (ids.length !== 1) throw new UsageError("Show which one? Give the id of one letter, as list prints it.");
      return { command, where: whereOf(values, command), id: ids[0]! };
    case "redrive": {
      const selection = selectionOf(ids, values.reason, values.all === true);
      const dryRun = values["dry-run"] === true;
      return { command, where: whereOf(values, command), selection, dryRun, rate: rateOf(values.rate) };
    }
    default:
      throw new UsageError(`There is no command "${command}": list, show, redrive. See --help.`);
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} See --help.`);
  }
}

type Values = ReturnType<typeof parsed>["values"];

function whereOf({ stack, prefix, queue, bucket, tasks = [], ...values }: Values, command: string): Where {
  const controlQueues = values["control-queue"] ?? [];
  if (stack !== undefined) {
    if (queue !== undefined || controlQueues.length > 0 || bucket !== undefined)
      throw new UsageError("Give --stack, or --queue, --control-queue and --bucket, not both.");
    return { stack, ...(prefix === undefined ? {} : { prefix }) };
  }
  if (queue === undefined)
    throw new UsageError("Where are the letters? Give --stack NAME, or --queue URL. See --help.");
  if (bucket === undefined) throw new UsageError("--queue wants --bucket NAME, the state bucket. See --help.");
  if (command === "redrive" && controlQueues.length === 0)
    throw new UsageError("A redrive wants --control-queue URL, the stage's tick queue. See --help.");
  if (controlQueues.length > 1 && tasks.length !== controlQueues.length)
    throw new UsageError("Several --control-queue want as many --tasks, in the same order. See --help.");
  const stages = controlQueues.map((controlQueueUrl, i) => ({ controlQueueUrl, tasks: tasks[i] ?? "" }));
  return { queue, bucket, stages };
}

function selectionOf(ids: readonly string[], reason: string | undefined, all: boolean): Selection {
  const given = Number(ids.length > 0) + Number(reason !== undefined) + Number(all);
  if (given !== 1) throw new UsageError("Redrive what? Give ids, or --reason CODE, or --all: one of them.");
  return all ? { all: true } : reason === undefined ? { ids } : { reason };
}

function rateOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_RATE;
  const rate = /^\d+$/.test(text) ? Number(text) : 0;
  if (rate >= 1 && rate <= 10_000) return rate;
  throw new UsageError(`--rate is a whole number of letters a second, 1 to 10000, not "${text}".`);
}
