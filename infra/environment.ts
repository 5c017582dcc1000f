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
  /** The most invocations of each function at a time; undefined takes what the account has. */
  readonly concurrency: number | undefined;
  /** How long rows may wait to become a file. */
  readonly lakeInterval: Duration;
  readonly logLevel: LogLevel;
  readonly logRetentionDays: number;
  /** What becomes of data when a stack is deleted. */
  readonly removal: "retain" | "destroy";
  /** Whether deleting a stack empties its buckets. Needs a function of CDK's, which emulators may not run. */
  readonly emptyBuckets: boolean;
  /** Whether a build that raises alarms is taken back. Needs CodeDeploy, which emulators may not run. */
  readonly rollback: boolean;
  /** The SNS topic that alarms go to. */
  readonly alarmTopicArn: string | undefined;
  /** The KMS key that encrypts data; undefined for AWS's keys. */
  readonly encryptionKeyArn: string | undefined;
  /** The VPC that functions run in; undefined for none. */
  readonly network: Network | undefined;
  /** Streams that are there already, by `<pipeline>/<source>`: ARNs. Others are made. */
  readonly streams: Readonly<Record<string, string>>;
  /** A bucket that is there already for all pipelines' files, by name; undefined makes one per pipeline. */
  readonly lakeBucket: string | undefined;
}

/** A VPC and its private subnets. Endpoints, or a way out, to DynamoDB, S3, SQS, Kinesis and Firehose are yours to make. */
export interface Network {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupId: string;
}

const ENVIRONMENTS = {
  dev: {
    shards: 1,
    retention: { hours: 24 },
    memory: 1_024,
    concurrency: undefined,
    // Someone is waiting to see the first file.
    lakeInterval: { seconds: 60 },
    logLevel: "DEBUG",
    logRetentionDays: 7,
    removal: "destroy",
    emptyBuckets: true,
    rollback: false, // who develops wants to see it fail
  },
  staging: {
    shards: 2,
    retention: { hours: 24 },
    memory: 1_769,
    concurrency: undefined,
    lakeInterval: { seconds: 300 },
    logLevel: "INFO",
    logRetentionDays: 30,
    removal: "destroy",
    emptyBuckets: true,
    rollback: true,
  },
  prod: {
    shards: 4,
    // A long weekend and two days to mend what broke in it.
    retention: { days: 7 },
    memory: 1_769,
    concurrency: undefined,
    lakeInterval: { seconds: 300 },
    logLevel: "INFO",
    logRetentionDays: 90,
    removal: "retain",
    emptyBuckets: false,
    rollback: true,
  },
} as const satisfies Readonly<Record<string, Omit<Environment, "name" | Given>>>;

/** What an account has, and no file of this repository knows: it is given by the context. */
type Given = "alarmTopicArn" | "encryptionKeyArn" | "network" | "streams" | "lakeBucket";

export const ENVIRONMENT_NAMES: readonly string[] = Object.keys(ENVIRONMENTS);

/** Reads one value of the CDK context, which `-c name=value` sets. */
export type ReadContext = (name: string) => unknown;

/**
 * The environment that the context asks for: `environment` (dev, staging or prod; dev by default), and what
 * overrides its values: `shards`, `concurrency`, `emptyBuckets`, `rollback` (true or false); and what the account has:
 * `alarmTopicArn`, `encryptionKeyArn`, `vpcId` with `subnetIds` (with commas) and `securityGroupId`, `streams` (an object
 * of ARNs by `<pipeline>/<source>`; JSON on the command line), `lakeBucket`.
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
    throw refuse("environment", name, `one of ${ENVIRONMENT_NAMES.join(", ")}`);
  }
  const environment = ENVIRONMENTS[name as keyof typeof ENVIRONMENTS];
  return {
    name,
    ...environment,
    shards: wholeOf(read, "shards", environment.shards),
    concurrency: read("concurrency") === undefined ? environment.concurrency : wholeOf(read, "concurrency", 0),
    emptyBuckets: flagOf(read, "emptyBuckets", environment.emptyBuckets),
    rollback: flagOf(read, "rollback", environment.rollback),
    alarmTopicArn: arnOf(read, "alarmTopicArn", "sns", "an SNS topic"),
    encryptionKeyArn: arnOf(read, "encryptionKeyArn", "kms", "a KMS key"),
    network: networkOf(read),
    streams: streamsOf(read),
    lakeBucket: textOf(read, "lakeBucket", /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "a bucket's name"),
  };
}

function wholeOf(read: ReadContext, name: string, fallback: number): number {
  const given = read(name) ?? fallback;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1 && value <= 10_000) return value;
  throw refuse(name, given, "a whole number from 1 to 10000");
}

function flagOf(read: ReadContext, name: string, fallback: boolean): boolean {
  const given = read(name) ?? fallback;
  // The command line gives text, cdk.json may give truth values.
  if (given === true || given === "true") return true;
  if (given === false || given === "false") return false;
  throw refuse(name, given, "true or false");
}

function textOf(read: ReadContext, name: string, shape: RegExp, possible: string): string | undefined {
  const text = read(name);
  if (text === undefined) return undefined;
  if (typeof text === "string" && shape.test(text)) return text;
  throw refuse(name, text, possible);
}

const arnOf = (read: ReadContext, name: string, service: string, what: string): string | undefined =>
  textOf(read, name, new RegExp(`^arn:[^:]+:${service}:[^:]+:\\d{12}:[^:]+$`), `an ARN of ${what}`);

function networkOf(read: ReadContext): Network | undefined {
  const vpcId = textOf(read, "vpcId", /^vpc-[0-9a-f]+$/, "a VPC's id");
  const subnets = textOf(read, "subnetIds", /^subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*$/, "ids of subnets with commas");
  const securityGroupId = textOf(read, "securityGroupId", /^sg-[0-9a-f]+$/, "a security group's id");
  const given = { vpcId, subnetIds: subnets, securityGroupId };
  if (Object.values(given).every((value) => value === undefined)) return undefined;
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) throw refuse(name, undefined, "what goes with the rest of the network's values");
  }
  return { vpcId: vpcId!, subnetIds: subnets!.split(","), securityGroupId: securityGroupId! };
}

function streamsOf(read: ReadContext): Readonly<Record<string, string>> {
  const given = read("streams") ?? {};
  const possible = 'an object of ARNs of Kinesis streams, such as {"flight-delays/departures":"arn:aws:kinesis:…"}';
  let streams: unknown = given;
  if (typeof given === "string") {
    try {
      streams = JSON.parse(given); // the command line gives text
    } catch {
      throw refuse("streams", given, possible);
    }
  }
  const isArn = (arn: unknown) => typeof arn === "string" && /^arn:[^:]+:kinesis:[^:]+:\d{12}:stream\/.+$/.test(arn);
  if (typeof streams === "object" && streams !== null && Object.values(streams).every(isArn)) {
    return streams as Readonly<Record<string, string>>;
  }
  throw refuse("streams", given, possible);
}

const refuse = (name: string, given: unknown, possible: string) =>
  definitionError({
    code: "environment/invalid",
    message: `The context value ${name} is ${JSON.stringify(given) ?? "missing"}; possible is ${possible}.`,
    advice: `Give it as -c ${name}=…, or leave it out.`,
  });
