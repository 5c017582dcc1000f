import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { ProvisionedLake } from "../connectors/firehose/provision.ts";

/** The namespace of what functions count themselves. */
export const NAMESPACE = "Millrace";

/** What a stage counts, in CloudWatch's embedded metric format, with the dimensions of {@link StageIdentity}. */
export type StageMetric =
  | "RecordsIn"
  | "RecordsFolded"
  | "RecordsFiltered"
  | "RecordsLate"
  | "RecordsDead"
  | "WindowsClosed"
  | "FailedTurns"
  | "Spills"
  | "Checkpoints"
  | "StateBytes"
  | "StateMemory"
  | "WatermarkAdvance"
  | "Conflicts"
  | "Redeliveries"
  | "CommitBytes"
  | "HotKeyShare"
  | "CatchUpBytes"
  | "CommitLatency"
  | "DeliverLatency"
  | "WatermarkLag"
  | "SystemicFailures"
  | "RecordsLost"
  | "BreakerOpen"
  | "Retries";

/** Whose metric it is: two stacks of one pipeline, in one account, must not count into one. */
export interface StageIdentity {
  /** The stack's name. */
  readonly deployment: string;
  readonly pipeline: string;
  readonly stage: string;
}

const MINUTE = Duration.minutes(1);

/** Without a label, as an alarm on a labelled metric is written as arithmetic. */
export const stageMetric = (
  { deployment, pipeline, stage }: StageIdentity,
  metricName: StageMetric,
  statistic: string = Stats.SUM,
): Metric =>
  new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { deployment, pipeline, stage },
    statistic,
    period: MINUTE,
  });

/** What is counted per operator: with the dimension `operator` beside the stage's. */
export type OperatorMetric = "OperatorRecordsIn" | "StateEntries";

export const operatorMetric = (
  { deployment, pipeline, stage }: StageIdentity,
  metricName: OperatorMetric,
  operator: string,
  statistic: string,
): Metric =>
  new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { deployment, pipeline, stage, operator },
    statistic,
    period: MINUTE,
    label: operator,
  });

/** The namespace of the metrics that pipelines declare: no name of theirs meets one of the runtime's. */
export const DECLARED_NAMESPACE = "Millrace/Business";

/** One combination of a declared metric's dimensions. */
export const declaredMetric = (
  { deployment, pipeline }: Omit<StageIdentity, "stage">,
  metricName: string,
  dimensions: Readonly<Record<string, string>>,
): Metric =>
  new Metric({
    namespace: DECLARED_NAMESPACE,
    metricName,
    dimensionsMap: { deployment, pipeline, ...dimensions },
    statistic: Stats.SUM,
    period: MINUTE,
    label: Object.values(dimensions).join(" ") || metricName,
  });

export const deliveryMetric = (deliveryStream: string, metricName: string, statistic: string): Metric =>
  new Metric({
    namespace: "AWS/Firehose",
    metricName,
    dimensionsMap: { DeliveryStreamName: deliveryStream },
    statistic,
    period: MINUTE,
  });

/** Seconds that the oldest row has waited for. */
export const freshnessOf = ({ table, deliveryStream }: Pick<ProvisionedLake, "table" | "deliveryStream">): Metric => {
  const to = table === "iceberg" ? "DeliveryToIceberg" : "DeliveryToS3";
  return deliveryMetric(deliveryStream.ref, `${to}.DataFreshness`, Stats.MAXIMUM);
};

export const sweepMetric = (ruleName: string, metricName: string, period = MINUTE): Metric =>
  new Metric({
    namespace: "AWS/Events",
    metricName,
    dimensionsMap: { RuleName: ruleName },
    statistic: Stats.SUM,
    period,
  });
