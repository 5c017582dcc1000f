import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { DescribeStreamCommand, KinesisClient, PutRecordsCommand, SplitShardCommand } from "@aws-sdk/client-kinesis";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { KinesisStreamEvent, SQSEvent } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  eventually,
  functionResource,
  settled,
  temporaryStack,
  type TemporaryStack,
} from "../testing/temporary-stack.ts";

const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const getArn = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const stream = (Name: string, ShardCount = 1) => ({ Type: "AWS::Kinesis::Stream", Properties: { Name, ShardCount } });
const queue = (properties = {}) => ({ Type: "AWS::SQS::Queue", Properties: properties });
const mapping = (source: string, target: string, properties = {}) => ({
  Type: "AWS::Lambda::EventSourceMapping",
  Properties: { EventSourceArn: getArn(source), FunctionName: { Ref: target }, ...properties },
});
const fromStream = {
  StartingPosition: "TRIM_HORIZON",
  BatchSize: 100,
  FunctionResponseTypes: ["ReportBatchItemFailures"],
};

const functions = {
  // Prints every event whole.
  print: { "index.mjs": "export const handler = async (event) => { console.log(JSON.stringify(event)); };" },
  // Fails the records that say so, once (or always); prints what it was sent.
  picky: {
    "index.mjs": `
      const seen = new Set();
      export const handler = async (event) => {
        const bodies = event.Records.map((r) => r.body ?? Buffer.from(r.kinesis.data, "base64").toString());
        console.log(JSON.stringify(bodies));
        const failing = event.Records.filter((r, i) => bodies[i].startsWith("always") || (bodies[i].startsWith("once") && !seen.has(bodies[i])));
        for (const body of bodies) seen.add(body);
        return { batchItemFailures: failing.map((r) => ({ itemIdentifier: r.messageId ?? r.kinesis.sequenceNumber })) };
      };`,
  },
  throws: { "index.cjs": 'exports.handler = async () => { throw new TypeError("no"); };' },
};

let temporary: TemporaryStack;
let kinesis: KinesisClient;
let sqs: SQSClient;
let s3: S3Client;

beforeAll(async () => {
  temporary = await temporaryStack(
    {
      Resources: {
        Shape: stream("shape"),
        ShapeFunction: functionResource("print", { FunctionName: "shape" }),
        ShapeMapping: mapping("Shape", "ShapeFunction", fromStream),
        Partial: stream("partial"),
        PartialFunction: functionResource("picky", { FunctionName: "partial" }),
        PartialMapping: mapping("Partial", "PartialFunction", fromStream),
        Given: stream("given"),
        GivenFunction: functionResource("throws", { FunctionName: "given" }),
        GivenQueue: queue(),
        GivenMapping: mapping("Given", "GivenFunction", {
          ...fromStream,
          MaximumRetryAttempts: 1,
          DestinationConfig: { OnFailure: { Destination: getArn("GivenQueue") } },
        }),
        GivenBucket: { Type: "AWS::S3::Bucket" },
        GivenToBucket: mapping("Given", "GivenFunction", {
          ...fromStream,
          MaximumRetryAttempts: 0,
          DestinationConfig: { OnFailure: { Destination: getArn("GivenBucket") } },
        }),
        Split: stream("split"),
        SplitFunction: functionResource("picky", { FunctionName: "split" }),
        SplitMapping: mapping("Split", "SplitFunction", { ...fromStream, BatchSize: 2 }),
        Full: stream("full"),
        FullFunction: functionResource("picky", { FunctionName: "full" }),
        FullMapping: mapping("Full", "FullFunction", {
          ...fromStream,
          BatchSize: 3,
          MaximumBatchingWindowInSeconds: 300,
        }),
        Messages: queue({ VisibilityTimeout: 1 }),
        MessagesFunction: functionResource("picky", { FunctionName: "messages" }),
        MessagesMapping: mapping("Messages", "MessagesFunction", {
          BatchSize: 10,
          FunctionResponseTypes: ["ReportBatchItemFailures"],
        }),
        MessageShape: queue(),
        MessageShapeFunction: functionResource("print", { FunctionName: "message-shape" }),
        MessageShapeMapping: mapping("MessageShape", "MessageShapeFunction"),
        Idle: stream("idle"),
        IdleFunction: functionResource("print", { FunctionName: "idle" }),
        IdleMapping: mapping("Idle", "IdleFunction", fromStream),
      },
      Outputs: {
        GivenQueue: { Value: { Ref: "GivenQueue" } },
        Messages: { Value: { Ref: "Messages" } },
        MessageShape: { Value: { Ref: "MessageShape" } },
      },
    },
    functions,
  );
  const { endpoints } = temporary.stack;
  const region = "us-east-1";
  kinesis = new KinesisClient({ region, credentials, endpoint: endpoints.kinesis });
  sqs = new SQSClient({ region, credentials, endpoint: endpoints.sqs });
  s3 = new S3Client({ region, credentials, endpoint: endpoints.s3, forcePathStyle: true });
});

afterAll(() => temporary.remove());

const put = (StreamName: string, bodies: readonly string[], ExplicitHashKey?: string) =>
  kinesis.send(
    new PutRecordsCommand({
      StreamName,
      Records: bodies.map((body) => ({
        PartitionKey: 'é"k',
        Data: Buffer.from(body),
        ...(ExplicitHashKey ? { ExplicitHashKey } : {}),
      })),
    }),
  );

function printed(functionName: string): unknown[] {
  const text = readFileSync(join(temporary.directory, "data", "logs", `${functionName}.log`), "utf8");
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") || line.startsWith("["))
    .map((line) => JSON.parse(line) as unknown);
}

/** What the function printed, as soon as this many records of it have been. */
const batches = (functionName: string, records: number) =>
  eventually(() => {
    const all = printed(functionName) as string[][];
    return all.flat().length >= records ? all : undefined;
  });

describe("Kinesis mapping", () => {
  it("sends events of exactly Lambda's shape", async () => {
    const { Records = [] } = await put("shape", ["hello"]);
    const [event] = (await eventually(() => printed("shape")[0] && printed("shape"))) as [KinesisStreamEvent];
    const sequenceNumber = Records[0]?.SequenceNumber;
    expect(event).toEqual({
      Records: [
        {
          kinesis: {
            kinesisSchemaVersion: "1.0",
            partitionKey: 'é"k',
            sequenceNumber,
            data: Buffer.from("hello").toString("base64"),
            approximateArrivalTimestamp: expect.any(Number) as number,
          },
          eventSource: "aws:kinesis",
          eventVersion: "1.0",
          eventID: `shardId-000000000000:${sequenceNumber}`,
          eventName: "aws:kinesis:record",
          invokeIdentityArn: "arn:aws:iam::000000000000:role/shape",
          awsRegion: "us-east-1",
          eventSourceARN: "arn:aws:kinesis:us-east-1:000000000000:stream/shape",
        },
      ],
    });
    expect(Math.abs((event.Records[0]?.kinesis.approximateArrivalTimestamp ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  });

  it("sends the lowest reported record again with all after it, and nothing before it", async () => {
    await put("partial", ["a", "b", "once c", "d", "e"]);
    await settled(temporary.stack);
    const all = await batches("partial", 8);
    expect(all).toEqual([
      ["a", "b", "once c", "d", "e"],
      ["once c", "d", "e"],
    ]);
  });

  it("reports records it gives up to a queue with their metadata, and to a bucket with the event too", async () => {
    const { Records = [] } = await put("given", ["x", "y"]);
    const first = Records[0]?.SequenceNumber;
    const last = Records[1]?.SequenceNumber;
    const info = {
      shardId: "shardId-000000000000",
      startSequenceNumber: first,
      endSequenceNumber: last,
      batchSize: 2,
      streamArn: "arn:aws:kinesis:us-east-1:000000000000:stream/given",
    };
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: temporary.stack.outputs["GivenQueue"], WaitTimeSeconds: 10 }),
    );
    const document = JSON.parse(Messages[0]?.Body ?? "{}") as Record<string, unknown>;
    expect(document).toMatchObject({
      requestContext: {
        functionArn: "arn:aws:lambda:us-east-1:000000000000:function:given",
        condition: "RetryAttemptsExhausted",
        approximateInvokeCount: 2,
      },
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      version: "1.0",
      KinesisBatchInfo: info,
    });
    expect(document).not.toHaveProperty("payload");
    const key = await eventually(
      async () => (await s3.send(new ListObjectsV2Command({ Bucket: "test-givenbucket" }))).Contents?.[0]?.Key,
    );
    expect(key).toMatch(
      /^aws\/lambda\/Test-GivenToBucket\/shardId-000000000000\/\d{4}\/\d\d\/\d\d\/[-0-9T.]+-[-0-9a-f]+$/,
    );
    const object = await s3.send(new GetObjectCommand({ Bucket: "test-givenbucket", Key: key }));
    const stored = JSON.parse((await object.Body?.transformToString()) ?? "") as { payload: string };
    expect(stored).toMatchObject({ KinesisBatchInfo: info });
    expect((JSON.parse(stored.payload) as KinesisStreamEvent).Records).toHaveLength(2);
  });

  it("deals with a parent shard whole before its children", async () => {
    const before = Array.from({ length: 20 }, (_, index) => `parent ${index}`);
    await put("split", before);
    const half = (2n ** 127n).toString();
    await kinesis.send(
      new SplitShardCommand({ StreamName: "split", ShardToSplit: "shardId-000000000000", NewStartingHashKey: half }),
    );
    await eventually(async () => {
      const { StreamDescription } = await kinesis.send(new DescribeStreamCommand({ StreamName: "split" }));
      return StreamDescription?.StreamStatus === "ACTIVE" && StreamDescription.Shards?.length === 3 ? true : undefined;
    });
    await put("split", ["child low"], "0");
    await put("split", ["child high"], (2n ** 127n + 1n).toString());
    await settled(temporary.stack);
    const bodies = (await batches("split", 22)).flat();
    expect(bodies.slice(0, 20)).toEqual(before);
    expect(bodies.slice(20).sort()).toEqual(["child high", "child low"]);
  });

  it("sends a full batch at once, whatever the batching window", async () => {
    await put("full", ["1", "2", "3", "4"]);
    const all = await batches("full", 3);
    expect(all).toEqual([["1", "2", "3"]]);
    // A batch is counted when it was answered, which is after it was printed.
    await eventually(async () => (await temporary.stack.lag()).recordsBehind === 1);
    await put("full", ["5", "6"]);
    expect((await batches("full", 6))[1]).toEqual(["4", "5", "6"]);
  });

  it("never invokes without records", () => {
    expect(printed("idle")).toEqual([]);
  });
});

describe("SQS mapping", () => {
  it("deletes what succeeded, and what was reported comes again after its visibility", async () => {
    const QueueUrl = temporary.stack.outputs["Messages"];
    for (const MessageBody of ["fine", "once more"]) await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const bodies = (await batches("messages", 3)).flat();
    expect(bodies.sort()).toEqual(["fine", "once more", "once more"]);
    await settled(temporary.stack);
  });

  it("sends events of Lambda's shape, and a delayed message not before its time", async () => {
    const sentAt = Date.now();
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: temporary.stack.outputs["MessageShape"],
        MessageBody: "tick",
        DelaySeconds: 1,
        MessageAttributes: { kind: { DataType: "String", StringValue: "tick" } },
      }),
    );
    expect(await temporary.stack.lag()).toMatchObject({ delayedMessages: 1 });
    const [event] = (await eventually(() => printed("message-shape")[0] && printed("message-shape"))) as [SQSEvent];
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(1_000);
    expect(event.Records[0]).toMatchObject({
      messageId: expect.any(String) as string,
      receiptHandle: expect.any(String) as string,
      body: "tick",
      attributes: { ApproximateReceiveCount: "1", SentTimestamp: expect.any(String) as string },
      messageAttributes: {
        kind: { stringValue: "tick", dataType: "String", stringListValues: [], binaryListValues: [] },
      },
      eventSource: "aws:sqs",
      eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:Test-MessageShape",
      awsRegion: "us-east-1",
    });
  });
});
