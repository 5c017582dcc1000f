import { DescribeStackResourcesCommand } from "@aws-sdk/client-cloudformation";
import { whole } from "../start/print.ts";
import type { Checks } from "./check.ts";
import type { EmulatedStack } from "./emulated-stack.ts";

interface Dimension {
  readonly Name: string;
  readonly Value: string;
}

interface Alarm {
  readonly AlarmName: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly Dimension[];
  readonly StateValue: string;
  readonly Threshold: number;
}

/** A line that CloudWatch makes metrics of (embedded metric format). */
interface EmbeddedMetrics {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
  readonly [name: string]: unknown;
}

/**
 * What functions print as metrics, read from their log: the emulator makes no metrics of it.
 *
 * @param put records that the stream took
 */
export async function checkMetrics(stack: EmulatedStack, put: number, checks: Checks): Promise<void> {
  const lines = (await logLines(stack)).flatMap(embeddedMetrics);
  const sum = (name: string) =>
    lines.filter((line) => names(line).includes(name)).reduce((total, line) => total + valueOf(line[name]), 0);
  const all = sum("RecordsIn");
  checks.that(
    "the functions' log has the metric of every record",
    all === put,
    `RecordsIn ${whole(all)}, RecordsLate ${whole(sum("RecordsLate"))}, RecordsDead ${whole(sum("RecordsDead"))}`,
  );
  const expected = { deployment: stack.name, pipeline: "flight-delays", stage: stack.stage.name };
  const wrong = lines.filter((line) => Object.entries(expected).some(([name, value]) => line[name] !== value));
  checks.that("each has the dimensions that alarms look for", lines.length > 0 && wrong.length === 0);
}

/** The stack's alarms are there, watch what there is, and one that is breached is raised. */
export async function checkAlarms(stack: EmulatedStack, checks: Checks): Promise<void> {
  const { json } = stack.clients;
  const { StackResources = [] } = await stack.clients.cloudformation.send(
    new DescribeStackResourcesCommand({ StackName: stack.name }),
  );
  const made = StackResources.filter(({ ResourceType }) => ResourceType === "AWS::CloudWatch::Alarm");
  const physical = new Set(StackResources.map(({ PhysicalResourceId }) => PhysicalResourceId));
  const alarms = await alarmsOf(stack);
  checks.that("every alarm of the stack is there", made.length > 0 && alarms.length === made.length, `${made.length}`);
  const own: Readonly<Record<string, string>> = {
    deployment: stack.name,
    pipeline: "flight-delays",
    stage: stack.stage.name,
  };
  const isThere = ({ Name, Value }: Dimension) =>
    own[Name] === Value || [...physical].some((id) => id === Value || id?.endsWith(`/${Value}`) === true);
  const blind = alarms.filter(({ Dimensions }) => Dimensions.length === 0 || !Dimensions.every(isThere));
  checks.that(
    "each watches a resource of the stack",
    blind.length === 0,
    blind.map(({ AlarmName }) => AlarmName).join(", "),
  );
  for (const metric of ["SystemicFailures", "FailedConversion.Records"]) {
    const alarm = alarms.find(({ MetricName }) => MetricName === metric);
    if (alarm !== undefined) {
      await json.call("cloudwatch", "PutMetricData", {
        Namespace: alarm.Namespace,
        MetricData: [{ MetricName: metric, Dimensions: alarm.Dimensions, Value: alarm.Threshold + 1 }],
      });
    }
    const state = (await alarmsOf(stack)).find(({ AlarmName }) => AlarmName === alarm?.AlarmName)?.StateValue;
    checks.that(`the alarm on ${metric} is raised by one`, state === "ALARM", state ?? "there is none");
  }
}

async function alarmsOf(stack: EmulatedStack): Promise<readonly Alarm[]> {
  const { MetricAlarms } = (await stack.clients.json.call("cloudwatch", "DescribeAlarms", {
    AlarmNamePrefix: stack.name,
    MaxRecords: 100,
  })) as { readonly MetricAlarms: readonly Alarm[] };
  return MetricAlarms;
}

async function logLines(stack: EmulatedStack): Promise<readonly string[]> {
  const { StackResources = [] } = await stack.clients.cloudformation.send(
    new DescribeStackResourcesCommand({ StackName: stack.name }),
  );
  const groups = StackResources.filter(({ ResourceType }) => ResourceType === "AWS::Logs::LogGroup");
  const functionName = StackResources.find(({ ResourceType }) => ResourceType === "AWS::Lambda::Function");
  const lines: string[] = [];
  for (const logGroupName of [
    ...groups.map(({ PhysicalResourceId }) => PhysicalResourceId!),
    `/aws/lambda/${functionName?.PhysicalResourceId ?? ""}`,
  ]) {
    for (let nextToken: string | undefined; ;) {
      const page = (await stack.clients.json
        .call("logs", "FilterLogEvents", { logGroupName, ...(nextToken === undefined ? {} : { nextToken }) })
        .catch(() => ({}))) as {
        readonly events?: readonly { readonly message: string }[];
        readonly nextToken?: string;
      };
      lines.push(...(page.events ?? []).flatMap(({ message }) => message.split("\n")));
      nextToken = page.nextToken;
      if (nextToken === undefined) break;
    }
  }
  return lines;
}

function embeddedMetrics(line: string): readonly EmbeddedMetrics[] {
  const at = line.indexOf('{"_aws"');
  return at < 0 ? [] : [JSON.parse(line.slice(at)) as EmbeddedMetrics];
}

/** Several turns of one invocation give several values. */
const valueOf = (value: unknown): number =>
  Array.isArray(value) ? value.reduce<number>((sum, one) => sum + Number(one), 0) : Number(value);

const names = ({ _aws }: EmbeddedMetrics): readonly string[] =>
  _aws.CloudWatchMetrics.flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));
