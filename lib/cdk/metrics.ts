import { Duration } from "aws-cdk-lib";
import { Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";

/** The namespace of what functions count themselves. */
export const NAMESPACE = "Millrace";

/** What a stage counts, in CloudWatch's embedded metric format, with the dimensions `pipeline` and `stage`. */
export type StageMetric =
  | "RecordsIn"
  | "RecordsFolded"
  | "RecordsFiltered"
  | "RecordsLate"
  | "RecordsDead"
  | "WindowsClosed"
  | "Conflicts"
  | "Redeliveries"
  | "CommitBytes"
  | "CatchUpBytes"
  | "WatermarkLag"
  | "SystemicFailures"
  | "LostRecords";

const MINUTE = Duration.minutes(1);

/** Without a label, as an alarm on a labelled metric is written as arithmetic. */
export const stageMetric = (
  pipeline: string,
  stage: string,
  metricName: StageMetric,
  statistic: string = Stats.SUM,
): Metric =>
  new Metric({ namespace: NAMESPACE, metricName, dimensionsMap: { pipeline, stage }, statistic, period: MINUTE });

export const deliveryMetric = (deliveryStream: string, metricName: string, statistic: string): Metric =>
  new Metric({
    namespace: "AWS/Firehose",
    metricName,
    dimensionsMap: { DeliveryStreamName: deliveryStream },
    statistic,
    period: MINUTE,
  });
