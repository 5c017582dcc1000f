import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DynamoDBClient, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from "@aws-sdk/client-kinesis";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionResource, settled, temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";
import type { FaultPlan } from "../types.ts";

const connection = {
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  maxAttempts: 1,
};

const table = {
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName: "items",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "N" },
    ],
  },
};

describe("Gateways", () => {
  let temporary: TemporaryStack;
  let dynamodb: DynamoDBClient;
  let s3: S3Client;

  beforeAll(async () => {
    temporary = await temporaryStack({
      Resources: {
        Table: table,
        Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "objects" } },
        Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "events", ShardCount: 2 } },
        Queue: { Type: "AWS::SQS::Queue" },
      },
      Outputs: { Queue: { Value: { Ref: "Queue" } } },
    });
    const { endpoints } = temporary.stack;
    dynamodb = new DynamoDBClient({ ...connection, endpoint: endpoints.dynamodb });
    s3 = new S3Client({ ...connection, endpoint: endpoints.s3, forcePathStyle: true });
  });

  afterAll(() => temporary.remove());

  const put = (pk: string, sk: number, more = {}) =>
    dynamodb.send(
      new PutItemCommand({
        TableName: "items",
        Item: { pk: { S: pk }, sk: { N: String(sk) } },
        ConditionExpression: "attribute_not_exists(pk)",
        ...more,
      }),
    );

  it("DynamoDB: of a hundred conditional puts at once one wins", async () => {
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => put("race", 1)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ name: "ConditionalCheckFailedException" });
    }
  });

  it("DynamoDB: units are summed, a failed condition's too, and shown only to who asks", async () => {
    const before = temporary.stack.usage().dynamodb;
    const Item = { pk: { S: "units" }, sk: { N: "1" }, text: { S: "x".repeat(2_500) } };
    const silent = await put("units", 1, { Item });
    const asked = await put("units", 2, { ReturnConsumedCapacity: "TOTAL" });
    await expect(put("units", 1, { Item })).rejects.toThrow();
    const found = await dynamodb.send(
      new QueryCommand({
        TableName: "items",
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: "units" } },
      }),
    );
    expect(found.Items).toHaveLength(2);
    expect(silent.ConsumedCapacity).toBeUndefined();
    expect(found.ConsumedCapacity).toBeUndefined();
    expect(asked.ConsumedCapacity).toMatchObject({ CapacityUnits: 1 });
    const { writeUnits, readUnits, requests } = temporary.stack.usage().dynamodb;
    expect(writeUnits - before.writeUnits).toBe(3 + 1 + 3);
    expect(readUnits - before.readUnits).toBe(1);
    expect(requests).toMatchObject({ Query: 1 });
  });

  it("S3: a conditional put finds an object that is there, and listings page by code units", async () => {
    const putObject = (Key: string) =>
      s3.send(new PutObjectCommand({ Bucket: "objects", Key, Body: Key, IfNoneMatch: "*" }));
    for (const key of ["b", "B", "a/x", "a", "_", "a/../c"]) await putObject(key);
    await expect(putObject("B")).rejects.toMatchObject({ name: "PreconditionFailed" });
    const keys: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket: "objects", MaxKeys: 2, ContinuationToken }));
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(keys).toEqual(["B", "_", "a", "a/../c", "a/x", "b"]);
    const object = await s3.send(new GetObjectCommand({ Bucket: "objects", Key: "a" }));
    expect(await object.Body?.transformToString()).toBe("a");
    const files = await temporary.stack.objectFiles("objects", "a");
    expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(["a", "a/../c", "a/x"]);
    for (const file of files) expect(file.startsWith(join(temporary.directory, "data", "s3", "objects"))).toBe(true);
    await expect(s3.send(new GetObjectCommand({ Bucket: "objects", Key: "none" }))).rejects.toMatchObject({
      name: "NoSuchKey",
    });
  });

  it("Kinesis: speaks HTTP/2, which the SDK uses by default, and takes a stream's ARN for its name", async () => {
    const kinesis = new KinesisClient({ ...connection, endpoint: temporary.stack.endpoints.kinesis });
    const Records = Array.from({ length: 10 }, (_, index) => ({ PartitionKey: String(index), Data: Buffer.from("x") }));
    const { FailedRecordCount } = await kinesis.send(new PutRecordsCommand({ StreamName: "events", Records }));
    expect(FailedRecordCount).toBe(0);
    const StreamARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events";
    await kinesis.send(new PutRecordsCommand({ StreamARN, Records }));
    expect(temporary.stack.usage().kinesis.requests).toEqual({ PutRecords: 2 });
    kinesis.destroy();
  });

  it("SQS: a queue's URL leads to the port it was asked at", async () => {
    const sqs = new SQSClient({ ...connection, endpoint: temporary.stack.endpoints.sqs });
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: "Test-Queue" }));
    expect(QueueUrl).toBe(temporary.stack.outputs["Queue"]);
    expect(QueueUrl).toBe(`${temporary.stack.endpoints.sqs}/000000000000/Test-Queue`);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x".repeat(262_145) }))).rejects.toThrow();
  });
});

const none: FaultPlan = {
  seed: 7,
  killWorker: 0,
  repeatBatch: 0,
  cutBatch: 0,
  throttleTable: 0,
  loseTableAnswer: 0,
  throttleStream: 0,
  loseStreamAnswer: 0,
  failSink: 0,
  failSinkPartly: 0,
  repeatSink: 0,
  delaySink: 0,
  delayMillis: 5,
  earlyChild: 0,
};

/** Writes each record to a table, to a delivery stream, a queue and a bucket; each as often as it takes. */
const writer = {
  "index.mjs": `
    import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
    import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
    import { S3Client, PutObjectCommand } from "@aws-sdk/client-s3";
    import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";
    const retry = { maxAttempts: 12, retryStrategy: undefined };
    const dynamodb = new DynamoDBClient(retry), firehose = new FirehoseClient(retry), sqs = new SQSClient(retry), s3 = new S3Client(retry);
    let partly = 0;
    export const handler = async (event) => {
      for (const { kinesis } of event.Records) {
        const id = Buffer.from(kinesis.data, "base64").toString();
        await dynamodb.send(new PutItemCommand({ TableName: "items", Item: { pk: { S: id }, sk: { N: "1" } } }));
        let Records = [0, 1, 2].map((n) => ({ Data: Buffer.from(id + "#" + n + "\\n") }));
        while (Records.length > 0) {
          const { RequestResponses } = await firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: "out", Records }));
          Records = Records.filter((_, n) => RequestResponses[n].ErrorCode !== undefined);
        }
        await sqs.send(new SendMessageCommand({ QueueUrl: process.env.QUEUE, MessageBody: id }));
        await s3.send(new PutObjectCommand({ Bucket: "objects", Key: id, Body: id }));
      }
    };`,
};

describe("Faults", () => {
  const start = (faults: FaultPlan) =>
    temporaryStack(
      {
        Resources: {
          Table: table,
          Bucket: { Type: "AWS::S3::Bucket", Properties: { BucketName: "objects" } },
          Queue: { Type: "AWS::SQS::Queue" },
          Out: {
            Type: "AWS::KinesisFirehose::DeliveryStream",
            Properties: {
              DeliveryStreamName: "out",
              S3DestinationConfiguration: { BucketARN: { "Fn::GetAtt": ["Bucket", "Arn"] }, Prefix: "out/" },
            },
          },
          Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "events", ShardCount: 1 } },
          Writer: functionResource("writer", { Environment: { Variables: { QUEUE: { Ref: "Queue" } } } }),
          Mapping: {
            Type: "AWS::Lambda::EventSourceMapping",
            Properties: {
              EventSourceArn: { "Fn::GetAtt": ["Stream", "Arn"] },
              FunctionName: { Ref: "Writer" },
              StartingPosition: "TRIM_HORIZON",
              BatchSize: 10,
              BisectBatchOnFunctionError: true,
            },
          },
        },
      },
      { writer },
      { faults },
    );

  async function feed(temporary: TemporaryStack, count: number): Promise<readonly string[]> {
    const kinesis = new KinesisClient({ ...connection, endpoint: temporary.stack.endpoints.kinesis });
    const ids = Array.from({ length: count }, (_, index) => `id-${index}`);
    const Records = ids.map((id) => ({ PartitionKey: id, Data: Buffer.from(id) }));
    await kinesis.send(new PutRecordsCommand({ StreamName: "events", Records }));
    await settled(temporary.stack, 50_000);
    await temporary.stack.flushDeliveryStreams();
    kinesis.destroy();
    return ids;
  }

  async function recordsOf(temporary: TemporaryStack, StreamName: string): Promise<readonly string[]> {
    const kinesis = new KinesisClient({ ...connection, endpoint: temporary.stack.endpoints.kinesis });
    const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }));
    const read = Shards.map(async ({ ShardId }) => {
      const { ShardIterator } = await kinesis.send(
        new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
      );
      const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
      return Records.map(({ Data }) => Buffer.from(Data!).toString());
    });
    const all = (await Promise.all(read)).flat();
    kinesis.destroy();
    return all;
  }

  async function delivered(temporary: TemporaryStack): Promise<readonly string[]> {
    const files = await temporary.stack.objectFiles("objects", "out/");
    return files.flatMap((file) => readFileSync(file, "utf8").trim().split("\n"));
  }

  it("every kind strikes, is counted, and loses nothing to who tries again", async () => {
    const temporary = await start({
      ...none,
      killWorker: 0.1,
      repeatBatch: 0.4,
      cutBatch: 0.5,
      throttleTable: 0.08,
      loseTableAnswer: 0.08,
      failSink: 0.05,
      failSinkPartly: 0.3,
      repeatSink: 0.05,
      delaySink: 0.2,
    });
    try {
      const ids = await feed(temporary, 40);
      // Shards are not split here, and nothing is put into a stream: those are other tests'.
      const {
        earlyChild: _,
        throttleStream: _throttled,
        loseStreamAnswer: _lost,
        ...injected
      } = temporary.stack.injected();
      for (const [name, count] of Object.entries(injected)) expect([name, count > 0]).toEqual([name, true]);
      const rows = await delivered(temporary);
      expect(new Set(rows)).toEqual(new Set(ids.flatMap((id) => [0, 1, 2].map((n) => `${id}#${n}`))));
      expect(rows.length).toBeGreaterThan(120);
      expect(await temporary.stack.objectFiles("objects", "id-")).toHaveLength(40);
      expect(temporary.stack.usage().lambda.errors).toBeGreaterThan(0);
    } finally {
      await temporary.remove();
    }
  });

  it("none strikes a user's request, nor any after calm()", async () => {
    const temporary = await start({ ...none, throttleTable: 1, failSink: 1 });
    try {
      const dynamodb = new DynamoDBClient({ ...connection, endpoint: temporary.stack.endpoints.dynamodb });
      await dynamodb.send(new PutItemCommand({ TableName: "items", Item: { pk: { S: "user" }, sk: { N: "1" } } }));
      expect(temporary.stack.injected()).toMatchObject({ throttleTable: 0, failSink: 0 });
      temporary.stack.calm();
      await feed(temporary, 5);
      expect(await delivered(temporary)).toHaveLength(15);
      expect(temporary.stack.injected()).toMatchObject({ throttleTable: 0, failSink: 0 });
    } finally {
      await temporary.remove();
    }
  });

  it("between streams: some records or all are refused, or carried out without an answer, and the writer loses none", async () => {
    const copier = {
      "index.mjs": `
        import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
        import { NodeHttpHandler } from "@smithy/node-http-handler";
        const kinesis = new KinesisClient({ maxAttempts: 12, requestHandler: new NodeHttpHandler() });
        export const handler = async (event) => {
          let Records = event.Records.map(({ kinesis }) => ({ PartitionKey: kinesis.partitionKey, Data: Buffer.from(kinesis.data, "base64") }));
          while (Records.length > 0) {
            const answer = await kinesis.send(new PutRecordsCommand({ StreamName: "copies", Records }));
            const refused = Records.filter((_, n) => answer.Records[n].ErrorCode !== undefined);
            if (refused.length !== answer.FailedRecordCount) throw new Error("The count is wrong.");
            Records = refused;
          }
        };`,
    };
    const temporary = await temporaryStack(
      {
        Resources: {
          Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "events", ShardCount: 1 } },
          Copies: { Type: "AWS::Kinesis::Stream", Properties: { Name: "copies", ShardCount: 2 } },
          Copier: functionResource("copier"),
          Mapping: {
            Type: "AWS::Lambda::EventSourceMapping",
            Properties: {
              EventSourceArn: { "Fn::GetAtt": ["Stream", "Arn"] },
              FunctionName: { Ref: "Copier" },
              StartingPosition: "TRIM_HORIZON",
              BatchSize: 10,
            },
          },
        },
      },
      { copier },
      { faults: { ...none, throttleStream: 0.5, loseStreamAnswer: 0.3 } },
    );
    try {
      const ids = await feed(temporary, 200);
      const read = await recordsOf(temporary, "copies");
      expect(new Set(read)).toEqual(new Set(ids));
      expect(read.length).toBeGreaterThan(ids.length); // what was carried out without an answer came again
      expect(temporary.stack.injected().throttleStream).toBeGreaterThan(0);
      expect(temporary.stack.injected().loseStreamAnswer).toBeGreaterThan(0);
      expect(temporary.stack.usage().kinesis.functionPutUnits).toBe(read.length);
    } finally {
      await temporary.remove();
    }
  });
});
