import { prices } from "../../lib/cdk/prices.ts";
import type { Usage } from "../types.ts";

/** One line of the bill. */
export interface CostItem {
  readonly service: string;
  /** What was used, and how much of it. */
  readonly what: string;
  readonly amount: number;
  /** Dollars for a million events. */
  readonly dollars: number;
}

export interface CostEstimate {
  readonly items: readonly CostItem[];
  /** Dollars for a million events, without shard-hours. */
  readonly total: number;
  /** Dollars an hour for the shards, whatever they carry. */
  readonly shardsPerHour: number;
}

export interface Workload {
  readonly events: number;
  /** PUT payload units of the events: one for every started 25 KB of a record. */
  readonly putUnits: number;
  /** The source's, and those between stages. */
  readonly streams: number;
  /** Of each stream. */
  readonly shards: number;
}

const MILLION = 1_000_000;
/** Data Firehose bills GB of 2^30 bytes (the example on its pricing page divides KB by 1,048,576). */
const GIGABYTE = 2 ** 30;
/** Free of charge on S3. */
const FREE = /^(Delete|AbortMultipartUpload)/;
/** Requests of the dearer class (S3 pricing: "PUT, COPY, POST, LIST"). */
const PUT_CLASS = /^(Put|Copy|Post|List|CreateMultipartUpload|UploadPart|CompleteMultipartUpload)/;

/**
 * What the same use would cost on AWS, for a million events. Durations are those of this machine, not
 * Lambda's; logs, alarms, storage, and data transfer are not part of it.
 */
export function estimateCost(usage: Usage, { events, putUnits, streams, shards }: Workload): CostEstimate {
  const perMillion = (amount: number, dollars: number, unit: number): number =>
    (amount / unit) * dollars * (MILLION / events);
  const sum = (requests: Readonly<Record<string, number>>, include: (name: string) => boolean = () => true): number =>
    Object.entries(requests).reduce((total, [name, n]) => (include(name) ? total + n : total), 0);
  const item = (service: string, what: string, amount: number, dollars: number, unit: number): CostItem => ({
    service,
    what,
    amount,
    dollars: perMillion(amount, dollars, unit),
  });
  const s3Puts = sum(usage.s3.requests, (name) => PUT_CLASS.test(name));
  const s3Gets = sum(usage.s3.requests, (name) => !PUT_CLASS.test(name) && !FREE.test(name));
  const gigabytes = usage.firehose.billedBytes / GIGABYTE;
  const items = [
    item("Lambda", "requests", usage.lambda.invocations, prices.lambdaRequest.dollars, MILLION),
    item("Lambda", "GB-seconds, Arm", usage.lambda.gigabyteSeconds, prices.lambdaArm.dollars, 1),
    item("DynamoDB", "write units", usage.dynamodb.writeUnits, prices.dynamodbWrite.dollars, MILLION),
    item("DynamoDB", "read units", usage.dynamodb.readUnits, prices.dynamodbRead.dollars, MILLION),
    item("Kinesis", "PUT units", putUnits + usage.kinesis.functionPutUnits, prices.kinesisPut.dollars, MILLION),
    item("Firehose", "GB billed", gigabytes, prices.firehoseIngest.dollars + prices.firehoseConversion.dollars, 1),
    item("S3", "PUT and LIST requests", s3Puts, prices.s3Put.dollars, 1_000),
    item("S3", "GET requests", s3Gets, prices.s3Get.dollars, 1_000),
    item("SQS", "requests", sum(usage.sqs.requests), prices.sqsRequest.dollars, MILLION),
  ];
  return {
    items,
    total: items.reduce((total, { dollars }) => total + dollars, 0),
    shardsPerHour: streams * shards * prices.kinesisShard.dollars,
  };
}
