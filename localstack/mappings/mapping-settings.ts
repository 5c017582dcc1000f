import { LocalStackError } from "../errors.ts";
import { functionNameOf } from "../template/identities.ts";
import { isRecord } from "../template/template-file.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";

/** An event source mapping as its template sets it, with AWS's defaults. */
export interface MappingSettings {
  readonly id: string;
  readonly logicalId: string;
  readonly sourceArn: string;
  readonly functionName: string;
  readonly batchSize: number;
  readonly windowMillis: number;
  readonly reportsItemFailures: boolean;
  readonly bisects: boolean;
  /** Retries after the first attempt; Infinity where the template says −1 or nothing. */
  readonly maximumRetries: number;
  readonly maximumAgeMillis: number;
  /** The ARN of a queue or bucket. */
  readonly onFailure: string | undefined;
  /** Records that arrived earlier are not sent (epoch milliseconds). */
  readonly startMillis: number;
  /** The topic and its brokers, where it is a topic. */
  readonly kafka?: KafkaEndpoint | undefined;
  /** SQS: invocations at a time. */
  readonly maximumConcurrency: number;
}

/** A topic of a cluster that is there already. */
export interface KafkaEndpoint {
  readonly topic: string;
  readonly bootstrapServers: readonly string[];
}

/** How many SQS batches run at a time when the template does not say; AWS begins with five. */
const sqsConcurrency = 5;

/** Gives undefined for a mapping that is switched off; throws for one that cannot be run as it would on AWS. */
export function mappingSettings(resource: ResolvedResource): MappingSettings | undefined {
  const { properties, logicalId } = resource;
  if (properties["Enabled"] === false || properties["Enabled"] === "false") return undefined;
  const kafka = kafkaOf(logicalId, properties);
  const sourceArn = kafka === undefined ? properties["EventSourceArn"] : `kafka/${kafka.topic}`;
  if (typeof sourceArn !== "string")
    throw refused(
      logicalId,
      "it has no EventSourceArn; only Kinesis, DynamoDB, SQS and self-managed Kafka sources are run",
    );
  const service = kafka === undefined ? sourceArn.split(":")[2] : "kafka";
  if (service !== "kinesis" && service !== "sqs" && service !== "dynamodb" && service !== "kafka")
    throw refused(logicalId, `sources of ${String(service)} are not run`);
  const number = (name: string, otherwise: number) => {
    const value = properties[name];
    return value === undefined ? otherwise : Number(value);
  };
  if (number("ParallelizationFactor", 1) > 1) {
    throw refused(
      logicalId,
      "its ParallelizationFactor is above 1, which breaks the order within a shard; set it to 1",
    );
  }
  if (number("TumblingWindowInSeconds", 0) > 0) throw refused(logicalId, "TumblingWindowInSeconds is not run");
  if (properties["FilterCriteria"] !== undefined) throw refused(logicalId, "FilterCriteria is not run");
  const batchSize = number("BatchSize", service === "sqs" ? 10 : 100);
  const windowSeconds = number("MaximumBatchingWindowInSeconds", 0);
  if (batchSize < 1 || batchSize > 10_000)
    throw refused(logicalId, `BatchSize must be from 1 to 10,000, not ${batchSize}`);
  if (windowSeconds < 0 || windowSeconds > 300) {
    throw refused(logicalId, `MaximumBatchingWindowInSeconds must be from 0 to 300, not ${windowSeconds}`);
  }
  if (service === "sqs" && batchSize > 10 && windowSeconds < 1) {
    throw refused(logicalId, "a queue's BatchSize above 10 needs MaximumBatchingWindowInSeconds of at least 1");
  }
  const responseTypes = properties["FunctionResponseTypes"];
  const scaling = properties["ScalingConfig"];
  return {
    id: resource.ref,
    logicalId,
    sourceArn,
    functionName: functionNameOf(String(properties["FunctionName"])),
    batchSize,
    windowMillis: windowSeconds * 1000,
    reportsItemFailures: Array.isArray(responseTypes) && responseTypes.includes("ReportBatchItemFailures"),
    bisects: properties["BisectBatchOnFunctionError"] === true,
    maximumRetries: unlimited(number("MaximumRetryAttempts", -1)),
    maximumAgeMillis: unlimited(number("MaximumRecordAgeInSeconds", -1)) * 1000,
    onFailure: onFailureOf(properties["DestinationConfig"]),
    startMillis: service === "sqs" ? 0 : startOf(logicalId, properties),
    kafka,
    maximumConcurrency: Number((isRecord(scaling) ? scaling["MaximumConcurrency"] : undefined) ?? sqsConcurrency),
  };
}

/** The topic of a mapping from a cluster that MSK does not know; of one with a login nothing is known here. */
function kafkaOf(logicalId: string, properties: Readonly<Record<string, unknown>>): KafkaEndpoint | undefined {
  const source = properties["SelfManagedEventSource"];
  if (!isRecord(source)) return undefined;
  const endpoints = source["Endpoints"];
  const servers = isRecord(endpoints) ? endpoints["KafkaBootstrapServers"] : undefined;
  const topics = properties["Topics"];
  if (!Array.isArray(servers) || !Array.isArray(topics) || topics.length !== 1)
    throw refused(logicalId, "a mapping from Kafka has bootstrap servers and one topic");
  if (properties["ProvisionedPollerConfig"] === undefined)
    throw refused(logicalId, "without ProvisionedPollerConfig a mapping from Kafka knows no partial failures");
  if (onFailureOf(properties["DestinationConfig"]) !== undefined)
    throw refused(logicalId, "with an on-failure destination Lambda gives up a Kafka batch after ten retries");
  if (properties["SourceAccessConfigurations"] !== undefined)
    throw refused(logicalId, "brokers are read without authentication here");
  return { topic: String(topics[0]), bootstrapServers: servers.map(String) };
}

/** −1 stands for no limit. */
function unlimited(value: number): number {
  return value < 0 ? Infinity : value;
}

function onFailureOf(destinations: unknown): string | undefined {
  const onFailure = isRecord(destinations) ? destinations["OnFailure"] : undefined;
  const arn = isRecord(onFailure) ? onFailure["Destination"] : undefined;
  return typeof arn === "string" ? arn : undefined;
}

/**
 * A stream is empty when the stack starts, so LATEST and TRIM_HORIZON both begin at its first record; on AWS,
 * LATEST may miss records put while the mapping is being made.
 */
function startOf(logicalId: string, properties: Readonly<Record<string, unknown>>): number {
  const position = properties["StartingPosition"];
  if (position === "TRIM_HORIZON" || position === "LATEST") return 0;
  if (position === "AT_TIMESTAMP") return Number(properties["StartingPositionTimestamp"] ?? 0) * 1000;
  throw refused(
    logicalId,
    `its StartingPosition is ${String(position)}; a stream needs TRIM_HORIZON, LATEST or AT_TIMESTAMP`,
  );
}

function refused(logicalId: string, why: string): LocalStackError {
  return new LocalStackError("MappingRefused", `The event source mapping ${logicalId} cannot be run: ${why}.`);
}
