import { DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DynamoStreamShards } from "../../lib/connectors/dynamodb-stream/shards.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import { temporaryStack, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";

const TABLE = "items";
const streamArn = `arn:aws:dynamodb:us-east-1:000000000000:table/${TABLE}/stream/2001-01-01T00:00:00.000`;

let temporary: TemporaryStack;
let dynamodb: DynamoDBClient;
let client: DynamoDBStreamsClient;
let asked: string[] = [];

beforeAll(async () => {
  temporary = await temporaryStack({
    Resources: {
      Items: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          TableName: TABLE,
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          StreamSpecification: { StreamViewType: "NEW_IMAGE" },
        },
      },
    },
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const settings = { region: "us-east-1", credentials, endpoint: temporary.stack.endpoints.dynamodb };
  dynamodb = new DynamoDBClient(settings);
  client = new DynamoDBStreamsClient(settings);
  client.middlewareStack.add((next, context) => (args) => {
    asked.push((context as { commandName?: string }).commandName!.replace("Command", ""));
    return next(args);
  });
  for (const children of [1, 3, 1]) {
    await put(20);
    temporary.stack.rollTableStream(TABLE, children);
  }
  await put(20);
});
afterAll(async () => {
  dynamodb.destroy();
  client.destroy();
  await temporary.remove();
});

let values = 0;
async function put(items: number): Promise<void> {
  for (let i = 0; i < items; i++) {
    const Item = { id: { S: `item-${i}` }, v: { N: String(values++) } };
    await dynamodb.send(new PutItemCommand({ TableName: TABLE, Item }));
  }
}

const shards = () => new DynamoStreamShards({ client, streamArn, wait: async () => undefined });

/** What each shard holds. */
async function all() {
  const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
  return Promise.all(
    StreamDescription!.Shards!.map(async ({ ShardId, SequenceNumberRange: range }) => {
      const at = { StreamArn: streamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
      const { ShardIterator } = await client.send(new GetShardIteratorCommand(at));
      const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }));
      const records = Records!.map(({ eventID, dynamodb }) => ({ id: eventID!, sequence: dynamodb!.SequenceNumber! }));
      return { shard: ShardId!, isClosed: range?.EndingSequenceNumber !== undefined, records };
    }),
  );
}

test("each shard has its parent and the whole range: none is told", async () => {
  const listed = await shards().list();
  expect(listed.map(({ parents }) => listed.findIndex(({ id }) => id === parents[0]))).toEqual([
    -1, 0, 1, 1, 1, 2, 3, 4,
  ]);
  expect(listed.every(({ parents, range }) => parents.length <= 1 && range === WHOLE_RANGE)).toBe(true);
});

describe("which shard a batch is of", () => {
  test("is found for every record of every shard, whoever asks first", async () => {
    const finder = shards();
    for (const { shard, records } of await all()) {
      for (const { id, sequence } of records) expect(await finder.shardOf(sequence, id)).toBe(shard);
      const first = records[0]!;
      expect(await shards().shardOf(first.sequence, first.id)).toBe(shard);
    }
  });

  test("takes one question, where the last batch came from the same shard", async () => {
    const finder = shards();
    const { records } = (await all()).at(-1)!;
    await finder.shardOf(records[0]!.sequence, records[0]!.id);
    asked = [];
    await finder.shardOf(records[1]!.sequence, records[1]!.id);
    expect(asked).toEqual(["GetShardIterator", "GetRecords"]);
  });

  test("is found after shards were closed that were open when they were listed", async () => {
    const finder = shards();
    const before = (await all()).at(-1)!;
    await finder.shardOf(before.records[0]!.sequence, before.records[0]!.id);
    temporary.stack.rollTableStream(TABLE);
    await put(20);
    for (const { shard, records } of (await all()).filter(({ isClosed }) => !isClosed)) {
      for (const { id, sequence } of records) expect(await finder.shardOf(sequence, id)).toBe(shard);
    }
  });

  test("is not guessed: a record that no shard holds is an error, which has the batch come again", async () => {
    const { records } = (await all())[0]!;
    await expect(shards().shardOf(records[0]!.sequence, "another")).rejects.toMatchObject({
      kind: "infrastructure",
      code: "dynamodb-stream/shard",
    });
  });
});

describe("X12: the tip", () => {
  test("of every shard is after its last record, and nowhere before", async () => {
    for (const { shard, records } of await all()) {
      expect(await shards().isAtTip(shard, "")).toBe(false);
      expect(await shards().isAtTip(shard, records.at(-2)!.sequence)).toBe(false);
      expect(await shards().isAtTip(shard, records.at(-1)!.sequence)).toBe(true);
    }
  });

  test("of a shard that is not there cannot be told", async () => {
    await expect(shards().isAtTip("shardId-none", "")).rejects.toMatchObject({ code: "dynamodb-stream/tip" });
  });
});

test("a stream that cannot be asked is infrastructure", async () => {
  const elsewhere = new DynamoStreamShards({ client, streamArn: `${streamArn}x`, wait: async () => undefined });
  await expect(elsewhere.list()).rejects.toMatchObject({ kind: "infrastructure", code: "dynamodb-stream/shards" });
});
