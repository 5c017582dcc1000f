import { metricKey, type Statistics } from "../metrics/metrics.ts";
import { propertyText } from "../template/property-text.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { isRecord } from "../template/template-file.ts";
import type { AlarmRule } from "./alarm-state.ts";

/** An alarm as its template sets it. */
export interface AlarmSettings {
  readonly logicalId: string;
  readonly description: string;
  /** What it is on, as {@link metricKey} names it. */
  readonly metric: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly periodMinutes: number;
  readonly statistic: (statistics: Statistics) => number;
  readonly rule: AlarmRule;
}

const statistics: Readonly<Record<string, AlarmSettings["statistic"] | undefined>> = {
  Sum: ({ sum }) => sum,
  Maximum: ({ max }) => max,
  Minimum: ({ min }) => min,
  SampleCount: ({ count }) => count,
  Average: ({ sum, count }) => sum / count,
};

const comparisons: Readonly<Record<string, ((value: number, threshold: number) => boolean) | undefined>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/** Gives why, in place of settings, for an alarm that the local stack cannot judge as CloudWatch would. */
export function alarmSettings({ logicalId, properties }: ResolvedResource): AlarmSettings | string {
  const { Namespace: namespace, MetricName: metricName, Threshold, EvaluationPeriods, TreatMissingData } = properties;
  if (typeof namespace !== "string" || typeof metricName !== "string") return "it is on arithmetic, not on one metric";
  const statistic = statistics[String(properties["Statistic"])];
  if (statistic === undefined) return "its statistic is none of sum, maximum, minimum, average and sample count";
  const comparison = comparisons[String(properties["ComparisonOperator"])];
  if (comparison === undefined) return `its comparison is ${String(properties["ComparisonOperator"])}`;
  const seconds = Number(properties["Period"]);
  if (seconds % 60 !== 0) return "its period is no whole number of minutes";
  if (TreatMissingData !== "breaching" && TreatMissingData !== "notBreaching")
    return `missing data is ${propertyText(TreatMissingData ?? "missing")} to it, neither breaching nor notBreaching`;
  const evaluationPeriods = Number(EvaluationPeriods);
  return {
    logicalId,
    description: propertyText(properties["AlarmDescription"] ?? ""),
    ...{ namespace, metricName, statistic },
    metric: metricKey(namespace, metricName, dimensionsOf(properties["Dimensions"])),
    periodMinutes: seconds / 60,
    rule: {
      breaches: (value) => comparison(value, Number(Threshold)),
      evaluationPeriods,
      datapointsToAlarm: Number(properties["DatapointsToAlarm"] ?? evaluationPeriods),
      missing: TreatMissingData,
    },
  };
}

const dimensionsOf = (dimensions: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (Array.isArray(dimensions) ? dimensions : [])
      .filter(isRecord)
      .map(({ Name, Value }) => [String(Name), String(Value)]),
  );
