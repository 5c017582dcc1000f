import { describe, expect, test } from "vitest";
import { BINDINGS_VARIABLE, readBindings } from "../../lib/plan/bindings.ts";
import { ofType, plain, resourcesOf, synthesized } from "./synthesized.ts";

const template = synthesized("prod");
const functions = ofType(template, "AWS::Lambda::Function").filter(({ Properties }) => "MemorySize" in Properties);
const [target] = functions;
const variables = (target!.Properties["Environment"] as { readonly Variables: Readonly<Record<string, unknown>> })
  .Variables;

describe("a stage's function", () => {
  test("there is one per stage", () => {
    expect(functions).toHaveLength(1);
  });

  test("runs on Arm with Node 22, with the environment's memory", () => {
    expect(target!.Properties).toMatchObject({
      Architectures: ["arm64"],
      Runtime: "nodejs22.x",
      MemorySize: 1_769,
      Handler: "index.handler",
    });
  });

  test("is bound to exactly what was made for it, and can read that", () => {
    expect(readBindings({ [BINDINGS_VARIABLE]: plain(variables[BINDINGS_VARIABLE]) })).toEqual({
      deployment: "flight-delays-prod",
      stage: "departures",
      generation: 0,
      source: {
        connector: "kinesis",
        address: { stream: "{PipelineStreamsdepartures}", streamArn: "{PipelineStreamsdepartures.Arn}" },
        incarnation: 0,
        // 30 seconds, and twice the batching window of five.
        suspectAfterMillis: 40_000,
      },
      table: "{PipelineChangelog}",
      bucket: "{PipelineState}",
      deadLetterQueueUrl: "{PipelineDeadLetters}",
      tickQueueUrl: "{PipelinedeparturesTicks}",
      tickQueues: {},
      shuffles: {},
      sinks: {
        hourly_delays: { deliveryStream: "{PipelineLakeshourlydelaysDelivery}" },
        late_departures: { deliveryStream: "{PipelineLakeslatedeparturesDelivery}" },
      },
      lookupTables: {},
    });
  });

  test("shows sources in stack traces, and names its metrics and logs", () => {
    expect(variables).toMatchObject({
      NODE_OPTIONS: "--enable-source-maps",
      POWERTOOLS_SERVICE_NAME: "flight-delays",
      POWERTOOLS_METRICS_NAMESPACE: "Millrace",
      POWERTOOLS_LOG_LEVEL: "INFO",
    });
  });

  test("logs where logs end: every group has a retention", () => {
    const groups = ofType(template, "AWS::Logs::LogGroup");
    expect(groups.length).toBeGreaterThanOrEqual(functions.length);
    for (const { Properties } of groups) expect(Properties["RetentionInDays"]).toBe(90);
    expect(plain((target!.Properties["LoggingConfig"] as { LogGroup: unknown }).LogGroup)).toBe(
      "{PipelinedeparturesLogs}",
    );
  });
});

describe("alarms", () => {
  const alarms = ofType(template, "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);

  test.each([
    ["reading falls behind", "IteratorAge"],
    ["the function fails", "Errors"],
    ["the function is throttled", "Throttles"],
    ["X10: a task stops", "SystemicFailures"],
    ["X11: the sweeper does not run", "FailedInvocations"],
    ["a lake is behind", "DeliveryToS3.DataFreshness"],
    ["rows do not fit the table", "FailedConversion.Records"],
  ])("one is raised when %s", (_when, metric) => {
    expect(alarms.map(({ MetricName }) => MetricName)).toContain(metric);
  });

  test.each(["DeadLetters", "OnFailure", "LostTicks"])("one is raised by the first message in %s", (queue) => {
    const watching = alarms.filter(
      ({ Dimensions }) => plain((Dimensions as [{ Value: unknown }])[0].Value) === `{Pipeline${queue}.QueueName}`,
    );
    expect(watching).toMatchObject([
      { Threshold: 0, ComparisonOperator: "GreaterThanThreshold", DatapointsToAlarm: 1, Period: 60 },
    ]);
  });

  test("X10: a stopped task is told at once, by its pipeline and stage", () => {
    expect(alarms.find(({ MetricName }) => MetricName === "SystemicFailures")).toMatchObject({
      Namespace: "Millrace",
      Dimensions: [
        { Name: "deployment", Value: "flight-delays-prod" },
        { Name: "pipeline", Value: "flight-delays" },
        { Name: "stage", Value: "departures" },
      ],
      Period: 60,
      DatapointsToAlarm: 1,
      Threshold: 0,
      Statistic: "Sum",
    });
  });

  test("X11: a sweep that cannot be delivered is told at once", () => {
    const [[rule] = []] = Object.entries(resourcesOf(template)).filter(([, { Type }]) => Type === "AWS::Events::Rule");
    expect(alarms.find(({ MetricName }) => MetricName === "FailedInvocations")).toMatchObject({
      Namespace: "AWS/Events",
      Dimensions: [{ Name: "RuleName", Value: { Ref: rule } }],
      Threshold: 0,
      DatapointsToAlarm: 1,
      Statistic: "Sum",
    });
  });

  test("reading that falls behind is told long before the stream forgets", () => {
    // A quarter of seven days.
    expect(alarms.find(({ MetricName }) => MetricName === "IteratorAge")).toMatchObject({ Threshold: 42 * 3_600_000 });
  });

  test("X11: a schedule that sends nothing for a day is told, since a rule that someone disables fails at nothing", () => {
    const [[rule] = []] = Object.entries(resourcesOf(template)).filter(([, { Type }]) => Type === "AWS::Events::Rule");
    expect(alarms.filter(({ MetricName }) => MetricName === "Invocations")).toMatchObject([
      {
        Namespace: "AWS/Events",
        Dimensions: [{ Name: "RuleName", Value: { Ref: rule } }],
        Statistic: "Sum",
        ComparisonOperator: "LessThanThreshold",
        Threshold: 1,
        Period: 3_600,
        EvaluationPeriods: 24,
        DatapointsToAlarm: 24,
        TreatMissingData: "breaching",
      },
    ]);
  });

  test("they say what to do, and silence is no alarm but that of the schedule", () => {
    for (const { AlarmDescription, MetricName, TreatMissingData } of alarms) {
      expect(AlarmDescription).toMatch(/^flight-delays: .+\. .+\. docs\/operations\.md#[a-z-]+$/);
      expect(TreatMissingData).toBe(MetricName === "Invocations" ? "breaching" : "notBreaching");
    }
  });

  test("each is on one metric, without arithmetic", () => {
    for (const alarm of alarms) expect(alarm).not.toHaveProperty("Metrics");
  });

  test("they go to the environment's topic", () => {
    const topic = "arn:aws:sns:eu-west-1:123456789012:ops";
    for (const { Properties } of ofType(synthesized("prod", { alarmTopicArn: topic }), "AWS::CloudWatch::Alarm")) {
      expect(Properties["AlarmActions"]).toEqual([topic]);
      expect(Properties["OKActions"]).toEqual([topic]);
    }
  });
});

test("the outputs are those that the documentation names", () => {
  expect(Object.keys(template.toJSON()["Outputs"] as object).toSorted()).toEqual(
    [
      ...["Pipeline", "ChangelogTable", "StateBucket", "LakeBucket", "Database"],
      ...["DeadLetterQueueUrl", "OnFailureQueueUrl", "LostTickQueueUrl"],
      ...[
        "SourceDeparturesStream",
        "SourceDeparturesStreamArn",
        "StageDeparturesFunction",
        "StageDeparturesTickQueueUrl",
        "StageDeparturesTasks",
      ],
      ...["HourlyDelays", "LateDepartures"].flatMap((lake) =>
        ["Prefix", "ErrorPrefix", "Table", "View", "DeliveryStream"].map((what) => `Lake${lake}${what}`),
      ),
    ].toSorted(),
  );
});
