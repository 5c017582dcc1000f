import { parseArgs } from "node:util";
import type { LakePlace } from "./place.ts";
import { UsageError } from "../run-tool.ts";

/** Where to find error objects: a stack's outputs tell, or the caller. */
export type Where = { readonly stack: string; readonly prefix?: string } | LakePlace;

export type Options =
  | { readonly command: "help" }
  | {
      readonly command: "list" | "put";
      readonly where: Where;
      /** Of one lake only, by its name. */
      readonly lake: string | undefined;
      /** The most error objects. */
      readonly limit: number;
      /** Records a second. */
      readonly rate: number;
      readonly dryRun: boolean;
    };

/** A record may hold hundreds of rows, and the pipeline's own go on meanwhile. */
const DEFAULT_RATE = 500;
const DEFAULT_LIMIT = 10_000;

export const HELP = `Rows that Firehose could not write: read why, and put them into the delivery stream again.

  npm run error-rows -- list                 error objects, with their records and the first reason
  npm run error-rows -- put                  put their records again, as they were

Where:
  --stack NAME            a deployed stack; --prefix P for one of several pipelines
or:
  --bucket NAME           the lake bucket
  --error-prefix PREFIX   what the keys of the lake's error objects begin with
  --delivery-stream NAME  where its rows go

  --lake NAME             of one lake of the stack only
  --limit N               so many error objects, the oldest of each lake first       [${DEFAULT_LIMIT}]
  --rate N                records a second                                         [${DEFAULT_RATE}]
  --dry-run               say what would be put, and do nothing
  --help                  this text

Rows keep their output_id, so that the lake's view shows each once. An error object is deleted when
all its records were taken: whenever this command ends, run it again. What does not fit even now
becomes a new error object within the buffer's time. Region, credentials and endpoints are those of
the environment, as for the AWS CLI.

Exit code 0: done. 1: something failed, or an object was left. 2: the command line is wrong.
130: Ctrl-C.
`;

const OPTIONS = {
  stack: { type: "string" },
  prefix: { type: "string" },
  bucket: { type: "string" },
  "error-prefix": { type: "string" },
  "delivery-stream": { type: "string" },
  lake: { type: "string" },
  limit: { type: "string" },
  rate: { type: "string" },
  "dry-run": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  const [command, ...others] = positionals;
  if (values.help === true || command === undefined) return { command: "help" };
  if (command !== "list" && command !== "put")
    throw new UsageError(`There is no command "${command}": list, put. See --help.`);
  if (others.length > 0) throw new UsageError(`"${command}" takes no "${others[0]!}". See --help.`);
  if (command === "list") {
    for (const name of ["rate", "dry-run"] as const)
      if (values[name] !== undefined) throw new UsageError(`"list" takes no --${name}. See --help.`);
  }
  return {
    ...{ command, where: whereOf(values), lake: values.lake },
    limit: wholeOf("--limit", values.limit, DEFAULT_LIMIT, 1_000_000),
    rate: wholeOf("--rate", values.rate, DEFAULT_RATE, 100_000),
    dryRun: values["dry-run"] === true,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)} See --help.`);
  }
}

function whereOf({ stack, prefix, bucket, lake, ...values }: ReturnType<typeof parsed>["values"]): Where {
  const { "error-prefix": errorPrefix, "delivery-stream": deliveryStream } = values;
  const own = [bucket, errorPrefix, deliveryStream];
  if (stack !== undefined) {
    if (own.some((value) => value !== undefined))
      throw new UsageError("Give --stack, or --bucket, --error-prefix and --delivery-stream, not both.");
    return { stack, ...(prefix === undefined ? {} : { prefix }) };
  }
  if (bucket === undefined || errorPrefix === undefined || deliveryStream === undefined) {
    throw new UsageError(
      "Where are the rows? Give --stack NAME, or --bucket, --error-prefix and --delivery-stream. See --help.",
    );
  }
  // An empty prefix would take the lake's files for error objects, and delete them.
  if (!errorPrefix.endsWith("/")) throw new UsageError("--error-prefix ends with a slash, as the output has it.");
  return { name: lake ?? deliveryStream, bucket, errorPrefix, deliveryStream };
}

function wholeOf(option: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw new UsageError(`${option} is a whole number, 1 to ${most}, not "${text}".`);
}
