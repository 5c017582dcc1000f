import { parseArgs } from "node:util";
import { UsageError } from "../../localstack/start/options.ts";

const WHERE = ["aws", "ministack", "local"] as const;
const SERVICES = ["dynamodb", "s3", "sqs", "kinesis", "firehose", "lambda"] as const;

export interface Options {
  readonly on: (typeof WHERE)[number];
  /** Services to look at; all without it. */
  readonly services: readonly string[];
  readonly yes: boolean;
  readonly help: boolean;
}

export const HELP = `npm run probe:aws -- --on ministack | local | aws --yes  [--service NAME]...

Makes a small stack, puts what docs/spec.md assumes of AWS to the test on it, prints what was seen and whether the
assumption holds, and deletes the stack.

  --on aws          the account and region of the environment (AWS_PROFILE, AWS_REGION …). It makes a table, a bucket, a
                    queue, two streams of three shards together, a delivery stream and a function, for about ten minutes;
                    they are billed. --yes says that this is wanted
  --on ministack    the emulator of npm run test:localstack, started here
  --on local        the local stack of npm start
  --service NAME    only these: ${SERVICES.join(", ")}
  --help            this text

Exit code 0: on AWS every assumption holds; on an emulator all were looked at, and what it does not reproduce is
listed. 1: on AWS one does not hold, or the run failed. 2: the command line is wrong.
`;

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        on: { type: "string" },
        service: { type: "string", multiple: true },
        yes: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`);
  }
  const { on = "", service: services = [], yes = false, help = false } = values;
  if (help) return { on: "local", services, yes, help };
  const where = WHERE.find((name) => name === on);
  if (where === undefined) throw new UsageError(`--on is one of ${WHERE.join(", ")}. See --help.`);
  const unknown = services.find((name) => !SERVICES.some((known) => known === name));
  if (unknown !== undefined) throw new UsageError(`--service is one of ${SERVICES.join(", ")}, not "${unknown}".`);
  if (where === "aws" && !yes)
    throw new UsageError("On AWS this makes a stack that is billed while it is there. Say --yes if it is wanted.");
  return { on: where, services, yes, help };
}
