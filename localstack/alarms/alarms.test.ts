import { describe, expect, it } from "vitest";
import { Metrics } from "../metrics/metrics.ts";
import { functionResource, letsRuleSend, temporaryStack } from "../testing/temporary-stack.ts";
import { Ages } from "./ages.ts";
import { AlarmClock, type Gauge } from "./alarm-clock.ts";
import { alarmState, evaluationRange } from "./alarm-state.ts";

/** `0` is within the threshold, `X` is not, `-` is missing; the oldest first. */
const points = (text: string) =>
  [...text.replaceAll(" ", "")].map((one) => (one === "-" ? undefined : Number(one === "X")));

/** The tables of "Configuring how CloudWatch alarms treat missing data", and what follows from its rules. */
describe("an alarm's state", () => {
  const breaches = (value: number) => value > 0;

  it.each([
    // three of three
    [3, "0 - X - X", "OK", "OK"],
    [3, "0 - - - -", "OK", "OK"],
    [3, "- - - - -", "ALARM", "OK"],
    [3, "0 X X - X", "ALARM", "ALARM"],
    [3, "- - X - -", "ALARM", "OK"],
    // two of three
    [2, "0 - X - X", "ALARM", "ALARM"],
    [2, "0 0 X 0 X", "ALARM", "ALARM"],
    [2, "0 - X - -", "ALARM", "OK"],
    [2, "- - - - 0", "ALARM", "OK"],
    [2, "- - - X -", "ALARM", "OK"],
  ] as const)("is what CloudWatch documents: %i of 3 of %s", (datapointsToAlarm, text, breaching, notBreaching) => {
    const rule = { breaches, evaluationPeriods: 3, datapointsToAlarm };
    expect(points(text)).toHaveLength(evaluationRange(rule));
    expect(alarmState(points(text), { ...rule, missing: "breaching" })).toBe(breaching);
    expect(alarmState(points(text), { ...rule, missing: "notBreaching" })).toBe(notBreaching);
  });
});

const alarm = (properties: Readonly<Record<string, unknown>>) => ({
  ...{ logicalId: "A", name: "A", ref: "A", arn: undefined, type: "AWS::CloudWatch::Alarm", stackName: "S" },
  assets: new Map<string, string>(),
  properties: {
    ...{ Namespace: "N", MetricName: "M", Statistic: "Sum", Period: 60, Threshold: 0, EvaluationPeriods: 1 },
    ...{ ComparisonOperator: "GreaterThanThreshold", TreatMissingData: "notBreaching", ...properties },
  },
});

function clockOf(properties: Readonly<Record<string, unknown>>, gauges: readonly Gauge[] = []) {
  const metrics = new Metrics();
  const clock = new AlarmClock([alarm(properties)], metrics, async () => gauges);
  return { metrics, state: async (minutes = 1) => (await clock.pass(minutes))[0] };
}

describe("the alarms' clock", () => {
  it("raises an alarm at M of N, and has it over when so many of the last N are no longer bad", async () => {
    const { metrics, state } = clockOf({ EvaluationPeriods: 15, DatapointsToAlarm: 3 });
    const bad = () => metrics.add("N", "M", {}, 1);
    bad();
    bad();
    expect(await state()).toMatchObject({ state: "OK" });
    bad();
    expect(await state(3)).toMatchObject({ state: "OK" });
    bad();
    expect(await state()).toMatchObject({ state: "ALARM" });
    // The first is looked at as long as missing minutes can be made good by it.
    expect(await state(12)).toMatchObject({ state: "ALARM" });
    expect(await state()).toMatchObject({ state: "OK" });
  });

  it("takes minutes together to periods, by the alarm's statistic", async () => {
    for (const [Statistic, last] of [
      ["Sum", "ALARM"],
      ["Maximum", "OK"],
    ] as const) {
      const { metrics, state } = clockOf({ Statistic, Period: 300, Threshold: 4 });
      for (let minute = 0; minute < 5; minute++) {
        metrics.add("N", "M", {}, 1);
        expect(await state(), Statistic).toMatchObject({ state: minute < 4 ? "OK" : last });
      }
    }
  });

  it("looks at one metric alone, whatever the order of its dimensions", async () => {
    const { metrics, state } = clockOf({
      Dimensions: [
        { Name: "b", Value: "2" },
        { Name: "a", Value: "1" },
      ],
    });
    metrics.add("N", "M", {}, 1);
    metrics.add("N", "M", { a: "1", b: "3" }, 1);
    expect(await state()).toMatchObject({ state: "OK" });
    metrics.add("N", "M", { a: "1", b: "2" }, 1);
    expect(await state()).toMatchObject({ state: "ALARM" });
  });

  it("measures what stands in each minute that passes", async () => {
    const gauge: Gauge = { namespace: "N", name: "M", dimensions: {}, valueAt: (minute) => minute };
    const { state } = clockOf({ Threshold: 9, EvaluationPeriods: 3 }, [gauge]);
    expect(await state(12)).toMatchObject({ state: "OK" });
    expect(await state(1)).toMatchObject({ state: "ALARM" });
  });

  it.each([
    [{ Namespace: undefined }, "arithmetic"],
    [{ Statistic: undefined, ExtendedStatistic: "p99" }, "statistic"],
    [{ ComparisonOperator: "GreaterThanUpperThreshold" }, "comparison"],
    [{ Period: 10 }, "period"],
    [{ TreatMissingData: "ignore" }, "missing data"],
  ])("names an alarm that it cannot judge: %j", async (properties, why) => {
    expect(await clockOf(properties).state()).toMatchObject({ logicalId: "A", unjudged: expect.stringContaining(why) });
  });
});

it("what waits is as old as the oldest that is not out yet", () => {
  const ages = new Ages();
  const since = (wentIn: number, cameOut: number, minute: number) => ages.oldestSince("x", wentIn, cameOut, minute);
  expect(since(0, 0, 0)).toBeUndefined();
  expect(since(2, 0, 1)).toBe(1);
  expect(since(5, 1, 2)).toBe(1);
  expect(since(5, 2, 7)).toBe(2);
  expect(since(5, 4, 8)).toBe(2);
  expect(since(6, 5, 9)).toBe(9);
  expect(since(6, 6, 9)).toBeUndefined();
});

it("a stack's own queues, functions and rules are what its alarms look at", async () => {
  const watched = (namespace: string, name: string, dimension: string, value: unknown) => ({
    Type: "AWS::CloudWatch::Alarm",
    Properties: {
      ...alarm({ Namespace: namespace, MetricName: name }).properties,
      Dimensions: [{ Name: dimension, Value: value }],
    },
  });
  const { stack, remove } = await temporaryStack(
    {
      Resources: {
        Queue: { Type: "AWS::SQS::Queue" },
        Work: { Type: "AWS::SQS::Queue" },
        Deep: watched("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", {
          "Fn::GetAtt": ["Queue", "QueueName"],
        }),
        Rule: {
          Type: "AWS::Events::Rule",
          Properties: {
            ScheduleExpression: "rate(1 hour)",
            Targets: ["Queue", "Work"].map((to) => ({ Id: to, Arn: { "Fn::GetAtt": [to, "Arn"] }, Input: "{}" })),
          },
        },
        Policy: letsRuleSend("Rule", "Queue", "Work"),
        Sent: watched("AWS/Events", "Invocations", "RuleName", { Ref: "Rule" }),
        Broken: functionResource("broken"),
        Errors: watched("AWS/Lambda", "Errors", "FunctionName", { Ref: "Broken" }),
        Mapping: {
          Type: "AWS::Lambda::EventSourceMapping",
          Properties: { EventSourceArn: { "Fn::GetAtt": ["Work", "Arn"] }, FunctionName: { Ref: "Broken" } },
        },
      },
    },
    { broken: { "index.js": 'exports.handler = async () => { throw new Error("no"); };' } },
  );
  const raised = async () =>
    (await stack.passMinutes(1)).flatMap((one) => ("state" in one && one.state === "ALARM" ? [one.logicalId] : []));
  try {
    expect(await raised()).toEqual([]);
    await stack.runSchedules();
    const seen = new Set<string>();
    for (let look = 0; look < 200 && seen.size < 3; look++) {
      for (const name of await raised()) seen.add(name);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect([...seen].sort()).toEqual(["Deep", "Errors", "Sent"]);
  } finally {
    await remove();
  }
});
