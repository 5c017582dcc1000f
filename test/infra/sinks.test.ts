import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { eventBus, kinesis, pipeline, queue, stream, text, topic, webhook, type Flow, type Sink } from "millrace";
import { MillracePipeline, type MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import { ofType, plain, resourcesOf } from "./synthesized.ts";

const SHAPE = { shop: text };
const events = kinesis("events", { schema: z.object({ shop: z.string() }), eventTime: () => 0, disorder: {} });

const writing = (...sinks: readonly Sink<{ readonly shop: string }>[]) =>
  pipeline("writing", (flow: Flow) => {
    const rows = flow.from(events);
    for (const sink of sinks) rows.to(sink);
  });

const others = () =>
  writing(
    stream("enriched", SHAPE, { key: { shop: (row) => row.shop } }),
    topic("closed", SHAPE),
    topic("ordered", SHAPE, { fifo: { groupId: (row) => row.shop } }),
    eventBus("shops", SHAPE, { source: "com.example", detailType: "Shop closed" }),
    webhook("closings", SHAPE),
  );
const closings = { closings: { url: "https://example.com/closings" } };

const all = () => writing(queue("alerts", SHAPE), queue("orders", SHAPE, { fifo: { groupId: (row) => row.shop } }));

type Props = Partial<MillracePipelineProps>;

/** A stack with what is there already, and the pipeline. */
function stackWith(of: ReturnType<typeof writing>, props: (stack: Stack) => Props = () => ({})) {
  process.env["CDK_VALIDATION"] = "false";
  const app = new App();
  const stack = new Stack(app, "test");
  const given = props(stack);
  new MillracePipeline(stack, "Pipeline", {
    pipeline: of,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...given,
  });
  return { app, stack, template: Template.fromStack(stack) };
}

/** What the stage's role is allowed, by the statements' ids. */
function allowed(template: Template) {
  const roles = ofType(template, "AWS::IAM::Role") as unknown as readonly {
    readonly Properties: {
      readonly Description: string;
      readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[];
    };
  }[];
  const stage = roles.find(({ Properties }) => Properties.Description.startsWith("Runs the stage"))!;
  return Object.fromEntries(
    stage.Properties.Policies[0]!.PolicyDocument.Statement.map(({ Sid, Action, Resource }) => [
      Sid,
      { actions: [Action].flat(), resources: [Resource].flat().map(plain) },
    ]),
  );
}
interface Statement {
  readonly Sid: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

/** Where the function is told that its sinks are. */
function addresses(template: Template): unknown {
  const [target] = ofType(template, "AWS::Lambda::Function");
  const { Variables } = target!.Properties["Environment"] as { Variables: Record<string, unknown> };
  return (JSON.parse(plain(Variables[BINDINGS_VARIABLE])) as { sinks: unknown }).sinks;
}

const outputsOf = (template: Template) =>
  Object.entries(template.toJSON()["Outputs"] as Record<string, { Value: unknown }>)
    .filter(([name]) => name.startsWith("Sink"))
    .map(([name, { Value }]) => [name, plain(Value)]);

describe("queues", () => {
  const { template } = stackWith(all());

  test("one is made for each, encrypted, for TLS alone, and of the kind that is declared", () => {
    const [alerts, orders] = ["PipelineSinksalerts", "PipelineSinksorders"].map(
      (id) =>
        Object.entries(resourcesOf(template)).find(
          ([name, { Type }]) => name.startsWith(id) && Type === "AWS::SQS::Queue",
        )![1].Properties,
    );
    expect(alerts).toEqual({
      MaximumMessageSize: 262_144,
      MessageRetentionPeriod: 1_209_600,
      SqsManagedSseEnabled: true,
      VisibilityTimeout: 30,
    });
    expect(orders).toEqual({
      ...alerts,
      FifoQueue: true,
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
    });
    const policies = ofType(template, "AWS::SQS::QueuePolicy").map(({ Properties }) => JSON.stringify(Properties));
    for (const id of ["PipelineSinksalerts", "PipelineSinksorders"])
      expect(policies.some((policy) => policy.includes(id) && policy.includes('"aws:SecureTransport":"false"'))).toBe(
        true,
      );
  });

  test("the stage may send to them, is told of them, and the stack's outputs tell of them", () => {
    expect(allowed(template)["SendRows"]).toEqual({
      actions: ["sqs:SendMessage"],
      resources: ["{PipelineSinksalerts.Arn}", "{PipelineSinksorders.Arn}"],
    });
    expect(addresses(template)).toEqual({
      alerts: { queueUrl: "{PipelineSinksalerts}" },
      orders: { queueUrl: "{PipelineSinksorders}" },
    });
    expect(outputsOf(template)).toEqual([
      ["SinkAlertsQueueUrl", "{PipelineSinksalerts}"],
      ["SinkAlertsQueueArn", "{PipelineSinksalerts.Arn}"],
      ["SinkOrdersQueueUrl", "{PipelineSinksorders}"],
      ["SinkOrdersQueueArn", "{PipelineSinksorders.Arn}"],
    ]);
  });

  test("one that is there already is written to as it is, with its key", () => {
    const { template: brought } = stackWith(writing(queue("alerts", SHAPE)), (stack) => {
      const encryptionMasterKey = new Key(stack, "Key");
      return { queues: { alerts: { existing: new Queue(stack, "Theirs", { encryptionMasterKey }) } } };
    });
    expect(addresses(brought)).toEqual({ alerts: { queueUrl: "{Theirs}" } });
    expect(allowed(brought)).toMatchObject({
      SendRows: { resources: ["{Theirs.Arn}"] },
      UseKeys: { resources: ["{Key.Arn}"] },
    });
    expect(Object.keys(resourcesOf(brought)).filter((id) => id.startsWith("PipelineSinks"))).toEqual([]);
  });

  test("one that is made is encrypted by the user's own key", () => {
    const { template: own } = stackWith(all(), (stack) => ({ encryptionKey: new Key(stack, "Key") }));
    const keyed = ofType(own, "AWS::SQS::Queue").filter(
      ({ Properties }) => Properties["MaximumMessageSize"] === 262_144,
    );
    expect(keyed.map(({ Properties }) => plain(Properties["KmsMasterKeyId"]))).toEqual(["{Key.Arn}", "{Key.Arn}"]);
  });

  test.each<[string, (stack: Stack) => Props, RegExp]>([
    [
      "a standard queue for a FIFO one",
      (stack) => ({ queues: { orders: { existing: new Queue(stack, "Q") } } }),
      /standard queue/,
    ],
    [
      "settings of one that is there",
      (stack) => ({ queues: { alerts: { existing: new Queue(stack, "Q"), retention: { days: 1 } } } }),
      /retention/,
    ],
    ["a retention beyond SQS's", () => ({ queues: { alerts: { retention: { days: 15 } } } }), /from 60 to 1209600/],
    ["one that the pipeline does not write to", () => ({ queues: { alarms: {} } }), /for "alarms".*alerts, orders/],
  ])("refused is %s", (_what, props, message) => {
    expect(() => stackWith(all(), props)).toThrow(message);
  });
});

describe("streams, topics, event buses and webhooks", () => {
  const { template } = stackWith(others(), () => ({ webhooks: closings, stream: { shards: 2 } }));
  const made = (id: string) =>
    Object.entries(resourcesOf(template)).find(([name]) => name.startsWith(`PipelineSinks${id}`))![1].Properties;

  test("are made, encrypted", () => {
    expect(made("enriched")).toMatchObject({ ShardCount: 2, StreamEncryption: { KeyId: "alias/aws/kinesis" } });
    const awsKey = "arn:{AWS::Partition}:kms:{AWS::Region}:{AWS::AccountId}:alias/aws/sns";
    expect(plain(made("closed")["KmsMasterKeyId"])).toBe(awsKey);
    expect(made("ordered")).toMatchObject({ FifoTopic: true });
    expect(String(made("shops")["Name"])).toMatch(/shops/);
    const policies = ofType(template, "AWS::SNS::TopicPolicy").map(({ Properties }) => JSON.stringify(Properties));
    expect(policies.filter((policy) => policy.includes('"aws:SecureTransport":"false"'))).toHaveLength(2);
  });

  test("the stage may do what it does with them, is told of them, and the stack's outputs tell of them", () => {
    expect(allowed(template)).toMatchObject({
      PutRows: { actions: ["kinesis:PutRecords"], resources: ["{PipelineSinksenriched.Arn}"] },
      PublishRows: { actions: ["sns:Publish"], resources: ["{PipelineSinksclosed}", "{PipelineSinksordered}"] },
      PutEvents: { actions: ["events:PutEvents"], resources: ["{PipelineSinksshops.Arn}"] },
    });
    expect(allowed(template)).not.toHaveProperty("ReadSecrets");
    expect(allowed(template)).not.toHaveProperty("UseKeys");
    expect(addresses(template)).toEqual({
      enriched: { stream: "{PipelineSinksenriched}" },
      closed: { topicArn: "{PipelineSinksclosed}" },
      ordered: { topicArn: "{PipelineSinksordered}" },
      shops: { eventBus: "{PipelineSinksshops.Arn}" },
      closings: { url: "https://example.com/closings", millis: "30000" },
    });
    expect(outputsOf(template).map(([name]) => name)).toEqual([
      "SinkEnrichedStream",
      "SinkEnrichedStreamArn",
      "SinkClosedTopicArn",
      "SinkOrderedTopicArn",
      "SinkShopsEventBusArn",
    ]);
  });

  test("those that are there already are written to as they are", () => {
    const { template: brought } = stackWith(others(), (stack) => ({
      webhooks: closings,
      streams: { enriched: { existing: new Stream(stack, "TheirStream") } },
      topics: {
        closed: { existing: new Topic(stack, "TheirTopic", { masterKey: new Key(stack, "TheirKey") }) },
        ordered: { existing: new Topic(stack, "TheirFifo", { fifo: true }) },
      },
      eventBuses: { shops: { existing: new EventBus(stack, "TheirBus") } },
    }));
    expect(Object.keys(resourcesOf(brought)).filter((id) => id.startsWith("PipelineSinks"))).toEqual([]);
    expect(allowed(brought)).toMatchObject({
      PutRows: { resources: ["{TheirStream.Arn}"] },
      PublishRows: { resources: ["{TheirTopic}", "{TheirFifo}"] },
      PutEvents: { resources: ["{TheirBus.Arn}"] },
      UseKeys: { resources: ["{TheirKey.Arn}"] },
    });
  });

  test("secrets of a webhook: the function may read exactly these, and is told their ARNs alone", () => {
    const { template: secret } = stackWith(writing(webhook("closings", SHAPE)), (stack) => ({
      function: { timeout: { seconds: 40 } },
      webhooks: {
        closings: {
          url: new Secret(stack, "Url"),
          signing: new Secret(stack, "Signing", { encryptionKey: new Key(stack, "Key") }),
          authorization: Secret.fromSecretNameV2(stack, "Named", "their-token"),
        },
      },
    }));
    const byName = "arn:{AWS::Partition}:secretsmanager:{AWS::Region}:{AWS::AccountId}:secret:their-token";
    expect(allowed(secret)).toMatchObject({
      ReadSecrets: {
        actions: ["secretsmanager:GetSecretValue"],
        resources: ["{Url}", "{Signing}", `${byName}-??????`],
      },
      DecryptSecrets: { actions: ["kms:Decrypt"], resources: ["{Key.Arn}"] },
    });
    expect(addresses(secret)).toEqual({
      closings: { urlSecret: "{Url}", signingSecret: "{Signing}", authorizationSecret: byName, millis: "20000" },
    });
  });

  test.each<[string, (stack: Stack) => Props, RegExp]>([
    ["a webhook without a URL", () => ({}), /Say its url/],
    ["a URL of http", () => ({ webhooks: { closings: { url: "http://example.com/" } } }), /not https/],
    ["a URL with a password", () => ({ webhooks: { closings: { url: "https://a:b@example.com/" } } }), /password/],
    [
      "a request that may take longer than its delivery",
      () => ({ webhooks: closings, function: { timeout: { seconds: 15 } } }),
      /10000 ms, and 7500 ms/,
    ],
    [
      "a standard topic for a FIFO one",
      (stack) => ({ webhooks: closings, topics: { ordered: { existing: new Topic(stack, "T") } } }),
      /a standard topic/,
    ],
    [
      "a stream that there is not",
      () => ({ webhooks: closings, streams: { rich: {} } }),
      /streams are events, enriched/,
    ],
    ["a bus that there is not", () => ({ webhooks: closings, eventBuses: { shop: {} } }), /for "shop".*shops/],
  ])("refused is %s", (_what, props, message) => {
    expect(() => stackWith(others(), props)).toThrow(message);
  });

  test("a stream has one name: what is read and written under one is refused", () => {
    expect(() => stackWith(writing(stream("events", SHAPE)))).toThrow(/events/);
  });
});

test.each([
  ["AWS's keys", false],
  ["a key of one's own", true],
])("a stack of all sinks with %s is clean to cdk-nag", (_what, hasKey) => {
  const { app } = stackWith(
    writing(
      queue("alerts", SHAPE),
      queue("orders", SHAPE, { fifo: { groupId: (row) => row.shop } }),
      stream("enriched", SHAPE),
      topic("closed", SHAPE),
      eventBus("shops", SHAPE, { source: "a", detailType: "b" }),
      webhook("closings", SHAPE),
    ),
    (stack) => ({
      webhooks: closings,
      ...(hasKey && { encryptionKey: new Key(stack, "Key", { enableKeyRotation: true }) }),
    }),
  );
  expect(new AwsSolutionsChecks(app).validateScope(app).violations.map(({ ruleName }) => ruleName)).toEqual([]);
});
