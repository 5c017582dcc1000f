import { Duration } from "aws-cdk-lib";
import { MathExpression, Stats, type IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ProvisionedLake } from "../connectors/firehose/provision.ts";
import { deliveryMetric, stageMetric, type StageIdentity } from "./metrics.ts";
import { prices } from "./prices.ts";

/** What is billed by use. */
export interface Billed {
  readonly stages: readonly {
    readonly identity: StageIdentity;
    readonly target: IFunction;
    /** The stream that it reads; undefined where that is billed otherwise, on demand. */
    readonly stream: IStream | undefined;
    readonly isSource: boolean;
  }[];
  /** Megabytes of each function. */
  readonly memory: number;
  readonly table: Table;
  readonly lakes: readonly ProvisionedLake[];
}

const MILLION = 1_000_000;
const GIGABYTE = 2 ** 30;

/** One use, and dollars for one of it. */
type Use = readonly [used: IMetric, dollars: number];

/**
 * Dollars for a million events, by service, hour by hour: what was used, at the prices of {@link prices}, by what came in at
 * the sources. A graph that has nothing to divide by has no point.
 *
 * Left out: shard-hours, on-demand streams, storage, logs, metrics and alarms, S3's requests by Firehose, reads of S3, requests
 * to SQS, data transfer, free tiers; a Firehose or Kinesis record counts by its bytes or as one unit, not as the multiple of
 * 5 KB or 25 KB that is billed.
 */
export function costOfMillion({ stages, memory, table, lakes }: Billed): readonly IMetric[] {
  const gigabyteMillis = ((memory / 1_024) * prices.lambdaArm.dollars) / 1_000;
  const events = stages.filter(({ isSource }) => isSource).map(({ identity }) => stageMetric(identity, "RecordsIn"));
  const perMillion = (label: string, uses: readonly Use[]): readonly IMetric[] => {
    if (uses.length === 0) return [];
    // Ids are a widget's: each expression has its own, and events are the same under the same ids.
    const prefix = label.toLowerCase();
    const usingMetrics = Object.fromEntries([
      ...events.map((metric, i) => [`events${i}`, metric] as const),
      ...uses.map(([metric], i) => [`${prefix}${i}`, metric] as const),
    ]);
    // For a million of each, as an exponent ("1.4e-8") is no number to CloudWatch.
    const sum = uses
      .map(([, dollars], i) => `FILL(${prefix}${i},0)*${Number((dollars * MILLION).toPrecision(12))}`)
      .join("+");
    const all = events.map((_, i) => `FILL(events${i},0)`).join("+");
    const expression = `(${sum})/(${all})`;
    return [new MathExpression({ expression, usingMetrics, label, period: Duration.hours(1) })];
  };
  return [
    ...perMillion(
      "Lambda",
      stages.flatMap(({ target }): Use[] => [
        [target.metricDuration({ statistic: Stats.SUM }), gigabyteMillis],
        [target.metricInvocations(), prices.lambdaRequest.dollars / MILLION],
      ]),
    ),
    ...perMillion("DynamoDB", [
      [table.metricConsumedWriteCapacityUnits(), prices.dynamodbWrite.dollars / MILLION],
      [table.metricConsumedReadCapacityUnits(), prices.dynamodbRead.dollars / MILLION],
    ]),
    ...perMillion(
      "S3",
      stages.flatMap(({ identity }) =>
        (["Spills", "Checkpoints"] as const).map((put): Use => [
          stageMetric(identity, put),
          prices.s3Put.dollars / 1_000,
        ]),
      ),
    ),
    ...perMillion(
      "Firehose",
      lakes.map((lake): Use => {
        const bytes = deliveryMetric(lake.deliveryStream.ref, "IncomingBytes", Stats.SUM);
        const { firehoseIngest, firehoseConversion, firehoseIceberg } = prices;
        const files = firehoseIngest.dollars + firehoseConversion.dollars;
        return [bytes, (lake.table === "iceberg" ? firehoseIceberg.dollars : files) / GIGABYTE];
      }),
    ),
    ...perMillion(
      "Kinesis",
      stages.flatMap(({ stream }): Use[] =>
        stream === undefined
          ? []
          : [[stream.metricIncomingRecords({ statistic: Stats.SUM }), prices.kinesisPut.dollars / MILLION]],
      ),
    ),
  ];
}
