import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Duration, Stack, Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { lake, pipeline, sqsQueue, text } from "millrace";
import { MillracePipeline, type MillracePipelineProps, type SqsQueueSettings } from "millrace/cdk";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { ofType, plain } from "./synthesized.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const validation = process.env["CDK_VALIDATION"];
process.env["CDK_VALIDATION"] = "false";
afterAll(() => {
  process.env["CDK_VALIDATION"] = validation;
});

const ordersOf = (fifo: boolean) =>
  pipeline("orders", (flow) => {
    flow.from(sqsQueue("orders", { schema: z.object({ id: z.string() }), fifo })).to(lake("taken", { id: text }));
  });

type Settings = SqsQueueSettings | ((stack: Stack) => SqsQueueSettings);

function stackWith(settings: Settings = {}, props: Partial<MillracePipelineProps> = {}, fifo = false, app = new App()) {
  const stack = new Stack(app, "test", { env: { account: "111111111111", region: "eu-central-1" } });
  new MillracePipeline(stack, "Pipeline", {
    pipeline: ordersOf(fifo),
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    sqsQueues: { orders: typeof settings === "function" ? settings(stack) : settings },
    ...props,
  });
  return Template.fromStack(stack);
}

const queueNamed = (template: Template, id: string) => {
  const found = Object.entries(template.findResources("AWS::SQS::Queue")).find(
    ([name]) => name.replace(/[0-9A-F]{8}$/, "") === id,
  );
  return (found?.[1] as { readonly Properties: Record<string, unknown> } | undefined)?.Properties;
};

const mappingsOf = (template: Template) =>
  ofType(template, "AWS::Lambda::EventSourceMapping").filter(
    ({ Properties }) => !plain(Properties["EventSourceArn"]).includes("Ticks"),
  );

describe("a queue that is made", () => {
  test("it is encrypted, hides messages for six time-outs and the window, and has a queue for what is set aside", () => {
    const template = stackWith(
      { batchSize: 100, batchingWindow: { seconds: 5 } },
      { function: { timeout: { seconds: 30 } } },
    );
    expect(queueNamed(template, "PipelineStreamsorders")).toMatchObject({
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 185,
      MessageRetentionPeriod: 7 * 86_400,
      RedrivePolicy: { maxReceiveCount: 100 },
    });
    expect(queueNamed(template, "PipelineStreamsordersSetAside")).toMatchObject({
      MessageRetentionPeriod: 14 * 86_400,
    });
    expect(mappingsOf(template).map(({ Properties }) => Properties)).toMatchObject([
      {
        BatchSize: 100,
        MaximumBatchingWindowInSeconds: 5,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: 10 },
      },
    ]);
  });

  test("FIFO: both queues are, and nothing is collected", () => {
    const template = stackWith({}, {}, true);
    expect(queueNamed(template, "PipelineStreamsorders")).toMatchObject({ FifoQueue: true });
    expect(queueNamed(template, "PipelineStreamsordersSetAside")).toMatchObject({ FifoQueue: true });
    expect(mappingsOf(template)[0]!.Properties).not.toHaveProperty("MaximumBatchingWindowInSeconds");
  });

  test("a key of one's own encrypts both, and the function may use it", () => {
    const app = new App();
    const keys = new Stack(app, "keys", { env: { account: "111111111111", region: "eu-central-1" } });
    const template = stackWith({}, { encryptionKey: new Key(keys, "Key") }, false, app);
    for (const id of ["PipelineStreamsorders", "PipelineStreamsordersSetAside"])
      expect(queueNamed(template, id)).toHaveProperty("KmsMasterKeyId");
  });

  test("its function reads it, counts attempts, and keeps nothing: no sweeps, no checkpoints, no changelog", () => {
    const template = stackWith();
    expect(ofType(template, "AWS::Events::Rule")).toEqual([]);
    const [role] = Object.entries(template.findResources("AWS::IAM::Role")).filter(([id]) =>
      id.startsWith("Pipelineorders"),
    );
    const { Policies } = (role![1] as { Properties: { Policies: [{ PolicyDocument: { Statement: object[] } }] } })
      .Properties;
    const statements = Policies[0].PolicyDocument.Statement as { Sid: string; Action: string[] }[];
    expect(statements.find(({ Sid }) => Sid === "ReadQueue")).toMatchObject({
      Action: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
    });
    expect(statements.find(({ Sid }) => Sid === "Trials")).toMatchObject({
      Action: ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
    });
    const sids = statements.map(({ Sid }) => Sid);
    for (const none of ["Changelog", "DeleteCheckpoints", "SeeObjects"]) expect(sids).not.toContain(none);
  });

  test("alarms watch how old messages grow and what is set aside; outputs say where they are", () => {
    const template = stackWith({ retention: { days: 4 } });
    const alarms = Object.entries(template.findResources("AWS::CloudWatch::Alarm"));
    const alarmOf = (name: string) =>
      alarms.find(([id]) => id.includes(name))?.[1] as { Properties: object } | undefined;
    expect(alarmOf("ordersMessageAge")?.Properties).toMatchObject({
      MetricName: "ApproximateAgeOfOldestMessage",
      Threshold: 86_400,
    });
    expect(alarmOf("ordersSetAside")?.Properties).toMatchObject({ Threshold: 0 });
    for (const output of ["SourceOrdersQueueUrl", "SourceOrdersQueueArn", "SourceOrdersSetAsideQueueUrl"])
      template.hasOutput(output, {});
  });
});

describe("a queue that is there already", () => {
  const brought =
    (visibility: number, redrive = true, maxReceiveCount = 50, retentionPeriod?: Duration) =>
    (stack: Stack) => ({
      existing: new Queue(stack, "Brought", {
        visibilityTimeout: Duration.seconds(visibility),
        ...(retentionPeriod && { retentionPeriod }),
        ...(redrive && { deadLetterQueue: { queue: new Queue(stack, "Aside"), maxReceiveCount } }),
      }),
    });

  test("the alarm of its messages' age goes by its own retention, or by SQS's where that is not known", () => {
    const thresholdOf = (settings: Settings) =>
      ofType(stackWith(settings), "AWS::CloudWatch::Alarm").find(
        ({ Properties }) => Properties["MetricName"] === "ApproximateAgeOfOldestMessage",
      )!.Properties["Threshold"];
    expect(thresholdOf(brought(360, true, 50, Duration.days(8)))).toBe(2 * 86_400);
    expect(thresholdOf(brought(360))).toBe(86_400);
    const arn = "arn:aws:sqs:eu-central-1:111111111111:q";
    expect(thresholdOf((stack) => ({ existing: Queue.fromQueueArn(stack, "Known", arn) }))).toBe(86_400);
  });

  test("refused: an alarm that would be raised when the messages are gone", () => {
    expect(() => stackWith({ retention: { days: 1 } }, { alarms: { iteratorAge: { days: 1 } } })).toThrow(
      /iteratorAge is 86400 seconds; possible.*to 86399/,
    );
  });

  test("it is read, and nothing of it is made", () => {
    const template = stackWith(brought(360));
    expect(queueNamed(template, "PipelineStreamsorders")).toBeUndefined();
    expect(plain(mappingsOf(template)[0]!.Properties["EventSourceArn"])).toBe("{Brought.Arn}");
  });

  test.each<[string, Settings, boolean, RegExp]>([
    ["one that hides messages for too short", brought(359), false, /hidden for 359 seconds.*must be 360/],
    ["one without a redrive policy", brought(360, false), false, /without a redrive policy/],
    ["one that is no FIFO queue", brought(360), true, /existing is a standard queue.*with fifo/],
    ["with a retention", (s) => ({ ...brought(360)(s), retention: { days: 1 } }), false, /retention.*there already/],
    ["one that sets aside what failed three times", brought(360, true, 3), false, /maxReceives is 3 receives/],
    [
      "one that forgets what fails before it sets it aside",
      brought(360, true, 50, Duration.hours(4)),
      false,
      /retention is 14400 seconds.*50 times, every 360 seconds/,
    ],
    ["a queue that forgets what fails", { retention: { hours: 9 } }, false, /retention is 32400.*before 36000 seconds/],
    ["too few receives", { maxReceives: 9 }, false, /maxReceives is 9 receives/],
    ["a batch of FIFO above ten", { batchSize: 11 }, true, /batchSize is 11 messages/],
    ["a window of FIFO", { batchingWindow: { seconds: 1 } }, true, /batchingWindow is 1 seconds.*none for FIFO/],
    ["a batch above ten without a window", { batchSize: 11, batchingWindow: { seconds: 0 } }, false, /batchingWindow/],
    ["one batch at a time", { maximumConcurrency: 1 }, false, /maximumConcurrency is 1/],
  ])("refused: %s", (_what, settings, fifo, why) => {
    expect(() => stackWith(settings, {}, fifo)).toThrow(why);
  });

  test("refused: settings of a source that there is not", () => {
    expect(() => stackWith({}, { sqsQueues: { ordres: {} } })).toThrow(/for "ordres".*sqsQueues are orders/);
  });
});

test("cdk-nag's AwsSolutions and CloudFormation's own rules are clean", () => {
  process.env["CDK_VALIDATION"] = "true";
  const app = new App({ outdir: temporaryDirectory("nag") });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  stackWith({}, {}, true, app);
  const report = JSON.parse(readFileSync(join(app.synth().directory, "validation-report.json"), "utf8")) as {
    readonly pluginReports: readonly { readonly violations: readonly { readonly ruleName: string }[] }[];
  };
  expect(report.pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName))).toEqual([]);
});
