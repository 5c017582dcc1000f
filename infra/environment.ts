import type { LogLevel } from "millrace/cdk";
import { definitionError } from "../lib/errors.ts";
import type { Duration } from "../lib/time/duration.ts";

/** What differs between where pipelines are deployed to. Everything else is the pipeline's. */
export interface Environment {
  readonly name: string;
  /** Shards of each source's stream. */
  readonly shards: number;
  /** How long streams keep records: how long an outage may last. */
  readonly retention: Duration;
  /** Megabytes of each function. */
  readonly memory: number;
  /** How long rows may wait to become a file. */
  readonly lakeInterval: Duration;
  readonly logLevel: LogLevel;
  readonly logRetentionDays: number;
  /** What becomes of data when a stack is deleted. */
  readonly removal: "retain" | "destroy";
  /** Whether deleting a stack empties its buckets. Needs a function of CDK's, which emulators may not run. */
  readonly emptyBuckets: boolean;
  /** The SNS topic that alarms go to. */
  readonly alarmTopicArn: string | undefined;
}

const ENVIRONMENTS = {
  dev: {
    shards: 1,
    retention: { hours: 24 },
    memory: 1_024,
    // Someone is waiting to see the first file.
    lakeInterval: { seconds: 60 },
    logLevel: "DEBUG",
    logRetentionDays: 7,
    removal: "destroy",
    emptyBuckets: true,
  },
  staging: {
    shards: 2,
    retention: { hours: 24 },
    memory: 1_769,
    lakeInterval: { seconds: 300 },
    logLevel: "INFO",
    logRetentionDays: 30,
    removal: "destroy",
    emptyBuckets: true,
  },
  prod: {
    shards: 4,
    // A long weekend and two days to mend what broke in it.
    retention: { days: 7 },
    memory: 1_769,
    lakeInterval: { seconds: 300 },
    logLevel: "INFO",
    logRetentionDays: 90,
    removal: "retain",
    emptyBuckets: false,
  },
} as const satisfies Readonly<Record<string, Omit<Environment, "name" | "alarmTopicArn">>>;

/** Reads one value of the CDK context, which `-c name=value` sets. */
export type ReadContext = (name: string) => unknown;

/**
 * The environment that the context asks for: `environment` (dev, staging or prod; dev by default), and what
 * overrides its values: `shards`, `emptyBuckets` (true or false), `alarmTopicArn`.
 *
 * @throws definition error `environment/invalid` naming what is possible
 */
export function environmentOf(read: ReadContext): Environment {
  for (const wrong of ["env", "stage", "Environment"]) {
    if (read(wrong) !== undefined)
      throw refuse(wrong, read(wrong), "nothing: the environment is chosen by -c environment=…");
  }
  const name = read("environment") ?? "dev";
  if (typeof name !== "string" || !Object.hasOwn(ENVIRONMENTS, name)) {
    throw refuse("environment", name, `one of ${Object.keys(ENVIRONMENTS).join(", ")}`);
  }
  const environment = ENVIRONMENTS[name as keyof typeof ENVIRONMENTS];
  return {
    name,
    ...environment,
    shards: shardsOf(read, environment.shards),
    emptyBuckets: flagOf(read, "emptyBuckets", environment.emptyBuckets),
    alarmTopicArn: topicOf(read),
  };
}

function shardsOf(read: ReadContext, fallback: number): number {
  const given = read("shards") ?? fallback;
  const shards = Number(given);
  if (Number.isSafeInteger(shards) && shards >= 1 && shards <= 10_000) return shards;
  throw refuse("shards", given, "a whole number from 1 to 10000");
}

function flagOf(read: ReadContext, name: string, fallback: boolean): boolean {
  const given = read(name) ?? fallback;
  // The command line gives text, cdk.json may give truth values.
  if (given === true || given === "true") return true;
  if (given === false || given === "false") return false;
  throw refuse(name, given, "true or false");
}

function topicOf(read: ReadContext): string | undefined {
  const arn = read("alarmTopicArn");
  if (arn === undefined) return undefined;
  if (typeof arn === "string" && /^arn:[^:]+:sns:[^:]+:\d{12}:[^:]+$/.test(arn)) return arn;
  throw refuse("alarmTopicArn", arn, "an ARN of an SNS topic");
}

const refuse = (name: string, given: unknown, possible: string) =>
  definitionError({
    code: "environment/invalid",
    message: `The context value ${name} is ${JSON.stringify(given)}; possible is ${possible}.`,
    advice: `Give it as -c ${name}=…, or leave it out.`,
  });
