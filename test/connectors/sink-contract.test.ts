import { bigint, eventBus, lake, queue, stream, text, topic, view, webhook } from "millrace";
import { afterAll, beforeAll } from "vitest";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { TopicDeclaration } from "../../lib/connectors/sns/declare.ts";
import type { QueueDeclaration } from "../../lib/connectors/sqs/declare.ts";
import { DeadLetterWriter } from "../../lib/connectors/sqs/dead-letters.ts";
import { TickWriter } from "../../lib/connectors/sqs/ticks.ts";
import { MemoryObjects } from "millrace/testing";
import { temporaryStack, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";
import { faultyClients, listed, named, type Wire } from "./faulty-clients.ts";
import { HookServer } from "./hook-server.ts";
import { sinkContract, type SinkUnderTest } from "./sink-contract.ts";
import { came, declared, filesOf, itemsOf, messagesOf, recordsOf, SHAPE } from "./systems.ts";

const subscription = (topicId: string, queueId: string) => ({
  Type: "AWS::SNS::Subscription",
  Properties: {
    TopicArn: { Ref: topicId },
    Protocol: "sqs",
    Endpoint: { "Fn::GetAtt": [queueId, "Arn"] },
    RawMessageDelivery: true,
  },
});

let temporary: TemporaryStack;
let hooks: HookServer;
beforeAll(async () => {
  hooks = await HookServer.start();
  temporary = await temporaryStack({
    Resources: {
      Standard: { Type: "AWS::SQS::Queue" },
      Fifo: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true } },
      Letters: { Type: "AWS::SQS::Queue" },
      Ticks: { Type: "AWS::SQS::Queue" },
      Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "enriched", ShardCount: 3 } },
      Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "shops" } },
      Topic: { Type: "AWS::SNS::Topic" },
      Subscribed: { Type: "AWS::SQS::Queue", Properties: { MaximumMessageSize: 1_048_576 } },
      Subscription: subscription("Topic", "Subscribed"),
      FifoTopic: { Type: "AWS::SNS::Topic", Properties: { FifoTopic: true } },
      FifoSubscribed: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true, MaximumMessageSize: 1_048_576 } },
      FifoSubscription: subscription("FifoTopic", "FifoSubscribed"),
      View: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          TableName: "rows",
          KeySchema: [
            { AttributeName: "lane", KeyType: "HASH" },
            { AttributeName: "row", KeyType: "RANGE" },
          ],
          AttributeDefinitions: [
            { AttributeName: "lane", AttributeType: "S" },
            { AttributeName: "row", AttributeType: "S" },
          ],
        },
      },
      Lake: { Type: "AWS::S3::Bucket", Properties: { BucketName: "lake" } },
      Delivery: {
        Type: "AWS::KinesisFirehose::DeliveryStream",
        Properties: {
          DeliveryStreamName: "lake",
          ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake", Prefix: "data/" },
        },
      },
    },
    Outputs: Object.fromEntries(
      ["Standard", "Fifo", "Letters", "Ticks", "Topic", "Subscribed", "FifoTopic", "FifoSubscribed"].map((name) => [
        name,
        { Value: { Ref: name } },
      ]),
    ),
  });
}, 60_000);
afterAll(async () => {
  await temporary?.remove();
  await hooks?.stop();
});

/** Opened when the stack is there, once. */
const once = (open: () => SinkUnderTest) => {
  let opened: SinkUnderTest | undefined;
  return () => (opened ??= open());
};

const output = (name: string) => temporary.stack.outputs[name]!;

const sqs = (idsOf: Wire["idsOf"]): Wire => ({
  endpoint: temporary.stack.endpoints.sqs,
  entries: "Entries",
  idsOf,
  merged: named({ SenderFault: false, Code: "InternalError" }),
});

interface SqsEntry {
  readonly MessageBody: string;
  readonly MessageAttributes: Readonly<Record<string, { readonly StringValue: string }>>;
}

const byAttribute = ({ MessageAttributes }: SqsEntry) => [MessageAttributes["output_id"]!.StringValue];
const byBody = ({ MessageBody }: SqsEntry) => [(JSON.parse(MessageBody) as { id: string }).id];

const underTest = (name: string, sink: QueueDeclaration): SinkUnderTest => ({
  ...declared(sink, { queueUrl: output(name) }, sqs(byAttribute)),
  received: async () =>
    (await messagesOf(temporary.stack, output(name))).map(({ body, attributes }) =>
      came(attributes["output_id"], body),
    ),
  keepsOrder: sink.isFifo,
  dropsRepeats: sink.isFifo,
  // A character that no message may have, where a head says the group.
  refusedBody: `${sink.isFifo ? '{"group":"lane 3"}\n' : ""}{"n":1,"lane":"lane 3","pad":"\u0001"}`,
});

sinkContract(
  "queue",
  once(() => underTest("Standard", queue("alerts", SHAPE))),
);
sinkContract(
  "queue with fifo",
  once(() => underTest("Fifo", queue("alerts", SHAPE, { fifo: { groupId: (row) => row.lane } }))),
);
sinkContract(
  "dead letters",
  once(() => ({
    bodyOf: (n, lane) => JSON.stringify({ kind: "record", n, lane }),
    writer: (weather) =>
      new DeadLetterWriter({
        client: faultyClients(sqs(byBody as never), weather).of(SQSClient),
        queueUrl: output("Letters"),
        objects: new MemoryObjects(),
        bucket: "state",
        wait: () => Promise.resolve(),
      }),
    received: async () =>
      (await messagesOf(temporary.stack, output("Letters"))).map(({ body }) =>
        came((JSON.parse(body) as { id: string }).id, body),
      ),
    keepsOrder: false,
    dropsRepeats: false,
  })),
);
sinkContract(
  "ticks",
  once(() => ({
    bodyOf: (_n, lane, id) => JSON.stringify({ type: "tick", task: "t", id, lane }),
    writer: (weather) =>
      new TickWriter({
        client: faultyClients(sqs(byBody as never), weather).of(SQSClient),
        queueUrl: output("Ticks"),
        now: () => 0,
        wait: () => Promise.resolve(),
      }),
    received: async () =>
      (await messagesOf(temporary.stack, output("Ticks"))).map(({ body }) =>
        came((JSON.parse(body) as { id: string }).id, body),
      ),
    keepsOrder: false,
    dropsRepeats: false,
  })),
);
sinkContract(
  "lake",
  once(() => ({
    ...declared(
      lake("rows", SHAPE),
      { deliveryStream: "lake" },
      {
        endpoint: temporary.stack.endpoints.firehose,
        entries: "Records",
        idsOf: ({ Data }: { readonly Data: Uint8Array }) =>
          Buffer.from(Data)
            .toString()
            .trimEnd()
            .split("\n")
            .map((line) => (JSON.parse(line) as { output_id: string }).output_id),
        merged: listed("RequestResponses", { ErrorCode: "ServiceUnavailableException" }, "FailedPutCount"),
      },
    ),
    received: filesOf(temporary.stack, "lake"),
    sharesEntries: true,
    keepsOrder: false,
    dropsRepeats: false,
  })),
);

const entryIds = ({ Detail, Data }: { readonly Detail?: string; readonly Data?: Uint8Array }) => [
  (JSON.parse(Detail ?? Buffer.from(Data!).toString()) as { output_id: string }).output_id,
];

const streamWire = (): Wire => ({
  endpoint: temporary.stack.endpoints.kinesis,
  entries: "Records",
  idsOf: entryIds,
  merged: listed("Records", { ErrorCode: "ProvisionedThroughputExceededException" }, "FailedRecordCount"),
});

let readStream: SinkUnderTest["received"] | undefined;
const streamOf = (sink: ReturnType<typeof stream>): SinkUnderTest => ({
  ...declared(sink, { stream: "enriched" }, streamWire()),
  received: (readStream ??= recordsOf(temporary.stack, "enriched")),
  keepsOrder: sink.name === "keyed",
  dropsRepeats: false,
});

sinkContract(
  "stream",
  once(() => streamOf(stream("spread", SHAPE) as never)),
);
sinkContract(
  "stream with a key",
  once(() => streamOf(stream("keyed", SHAPE, { key: { lane: (row) => row.lane } }) as never)),
);

const topicOf = (topicName: string, queueName: string, sink: TopicDeclaration): SinkUnderTest => ({
  ...declared(
    sink,
    { topicArn: output(topicName) },
    {
      endpoint: temporary.stack.endpoints.sns,
      entries: "PublishBatchRequestEntries",
      idsOf: byAttribute,
      merged: named({ SenderFault: false, Code: "InternalError" }),
    },
  ),
  received: async () =>
    (await messagesOf(temporary.stack, output(queueName))).map(({ body, attributes }) =>
      came(attributes["output_id"], body),
    ),
  keepsOrder: sink.isFifo,
  dropsRepeats: sink.isFifo,
  // Longer than any message may be.
  refusedBody: `${sink.isFifo ? '{"group":"lane 3"}\n' : ""}{"n":1,"lane":"lane 3","pad":"${"x".repeat(300_000)}"}`,
});

sinkContract(
  "topic",
  once(() => topicOf("Topic", "Subscribed", topic("closed", SHAPE))),
);
sinkContract(
  "topic with fifo",
  once(() => topicOf("FifoTopic", "FifoSubscribed", topic("closed", SHAPE, { fifo: { groupId: (row) => row.lane } }))),
);
sinkContract(
  "event bus",
  once(() => {
    let read = 0;
    return {
      ...declared(
        eventBus("shops", SHAPE, { source: "com.example", detailType: "Row" }),
        { eventBus: "shops" },
        {
          endpoint: temporary.stack.endpoints.eventbridge,
          entries: "Entries",
          idsOf: (({ Detail }: { readonly Detail: string }) => [/"output_id":"([^"]+)"/.exec(Detail)![1]]) as never,
          merged: listed("Entries", { ErrorCode: "ThrottlingException" }, "FailedEntryCount"),
        },
      ),
      received: async () => {
        const events = temporary.stack.events("shops").slice(read);
        read += events.length;
        return events.map(({ detail }) => came(detail["output_id"] as string, JSON.stringify(detail)));
      },
      keepsOrder: false,
      dropsRepeats: false,
      refusedBody: '{"type":"Row"}\n{no JSON',
    };
  }),
);
const webhookOf = (sink: ReturnType<typeof webhook>, keepsOrder: boolean): SinkUnderTest => ({
  ...declared(
    sink,
    { url: `${hooks.origin}/rows`, millis: "400" },
    { endpoint: "", entries: "", idsOf: () => [], merged: (answer) => answer },
  ),
  writer: (weather) => {
    hooks.weather = weather;
    return declared(
      sink,
      { url: `${hooks.origin}/rows`, millis: "400" },
      { endpoint: "", entries: "", idsOf: () => [], merged: (answer) => answer },
    ).writer(weather);
  },
  received: async () => hooks.taken().map(({ id, body }) => came(id, body)),
  keepsOrder,
  dropsRepeats: false,
  isOneByOne: true,
  refusedBody: `${keepsOrder ? '{"lane":"lane 3"}\n' : ""}{"n":1,"lane":"lane 3","pad":"refuse me"}`,
});
sinkContract(
  "webhook",
  once(() => webhookOf(webhook("rows", SHAPE) as never, false)),
);
sinkContract(
  "webhook with an order",
  once(() => webhookOf(webhook("rows", SHAPE, { orderBy: (row) => row.lane }) as never, true)),
);
sinkContract(
  "view",
  once(() => {
    const rows = view("rows", { key: { lane: text, row: text }, columns: { n: bigint, pad: text } });
    const encode = rows.encode as (row: object) => string;
    return {
      ...declared(
        rows,
        { table: "rows" },
        {
          endpoint: temporary.stack.endpoints.dynamodb,
          entries: "Item",
          isOneEntry: true,
          idsOf: ({ $id }: { readonly $id: { readonly S: string } }) => [$id.S],
          merged: () => {
            throw Object.assign(new Error("slow down"), { name: "ThrottlingException" });
          },
        },
      ),
      // Each row has a key of its own: of one key the last alone would be there.
      bodyOf: (n, lane, id) => encode({ lane, row: id || "-", n, pad: "" }),
      received: itemsOf(temporary.stack, "rows"),
      keepsOrder: false,
      dropsRepeats: true,
      isOneByOne: true,
      refusedBody: (n) => encode({ lane: "lane 3", row: `too large ${n}`, n, pad: "x".repeat(500_000) }),
    };
  }),
);
