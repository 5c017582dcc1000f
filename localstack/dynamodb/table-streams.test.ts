import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type Shard,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import { afterAll, beforeAll, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";

const table = (TableName: string, properties = {}) => ({
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName,
    KeySchema: [
      { AttributeName: "id", KeyType: "HASH" },
      { AttributeName: "n", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "id", AttributeType: "S" },
      { AttributeName: "n", AttributeType: "N" },
    ],
    ...properties,
  },
});
const streamed = (StreamViewType: string) => ({ StreamSpecification: { StreamViewType } });

let temporary: TemporaryStack;
let dynamodb: DynamoDBClient;
let streams: DynamoDBStreamsClient;

beforeAll(async () => {
  temporary = await temporaryStack({
    Resources: {
      Both: table("both", streamed("NEW_AND_OLD_IMAGES")),
      Kept: table("kept", {
        ...streamed("KEYS_ONLY"),
        TimeToLiveSpecification: { AttributeName: "x", Enabled: true },
      }),
      Rolled: table("rolled", streamed("NEW_IMAGE")),
      None: table("none"),
    },
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const settings = { region: "us-east-1", credentials, endpoint: temporary.stack.endpoints.dynamodb };
  dynamodb = new DynamoDBClient(settings);
  streams = new DynamoDBStreamsClient(settings);
});
afterAll(async () => {
  dynamodb.destroy();
  streams.destroy();
  await temporary.remove();
});

const arnOf = (name: string) => `arn:aws:dynamodb:us-east-1:000000000000:table/${name}/stream/2001-01-01T00:00:00.000`;

async function shardsOf(name: string, Limit?: number): Promise<Shard[]> {
  const all: Shard[] = [];
  for (let after: string | undefined; ;) {
    const { StreamDescription } = await streams.send(
      new DescribeStreamCommand({ StreamArn: arnOf(name), Limit, ExclusiveStartShardId: after }),
    );
    all.push(...StreamDescription!.Shards!);
    after = StreamDescription!.LastEvaluatedShardId;
    if (after === undefined) return all;
  }
}

/** All records of a shard, and whether it says that it ends with them. */
async function read(name: string, { ShardId }: Shard, Limit = 7) {
  const start = { StreamArn: arnOf(name), ShardId, ShardIteratorType: "TRIM_HORIZON" } as const;
  let { ShardIterator: iterator } = await streams.send(new GetShardIteratorCommand(start));
  const records: StreamRecord[] = [];
  while (iterator !== undefined) {
    const { Records = [], NextShardIterator } = await streams.send(
      new GetRecordsCommand({ ShardIterator: iterator, Limit }),
    );
    records.push(...Records);
    if (Records.length === 0 && NextShardIterator !== undefined) return { records, hasEnded: false };
    iterator = NextShardIterator;
  }
  return { records, hasEnded: true };
}

const key = (id: string) => ({ id: { S: id }, n: { N: "1" } });
const plain = (value: unknown) => JSON.stringify(value, (_k, v: unknown) => (isObject(v) ? sorted(v) : v));
const isObject = (v: unknown): v is object => typeof v === "object" && v !== null && !Array.isArray(v);
const sorted = (v: object) => Object.fromEntries(Object.entries(v).toSorted(([a], [b]) => (a < b ? -1 : 1)));

it("concurrent writes of any kind leave each item's changes once and in order, with images that follow each other", async () => {
  const random = seededRandom(3);
  const pick = (n: number) => Math.floor(random() * n);
  const some = () => ({ v: { N: String(pick(3)) } });
  const writes = Array.from({ length: 300 }, () => {
    const id = `item-${pick(6)}`;
    const kinds = [
      () => dynamodb.send(new PutItemCommand({ TableName: "both", Item: { ...key(id), ...some() } })),
      () => dynamodb.send(new DeleteItemCommand({ TableName: "both", Key: key(id) })),
      () =>
        dynamodb.send(
          new UpdateItemCommand({
            TableName: "both",
            Key: key(id),
            UpdateExpression: "ADD v :one",
            ExpressionAttributeValues: { ":one": { N: "1" } },
          }),
        ),
      () =>
        dynamodb.send(
          new BatchWriteItemCommand({
            RequestItems: {
              both: [0, 1, 2].map((i) =>
                i === 0
                  ? { DeleteRequest: { Key: key("item-0") } }
                  : { PutRequest: { Item: { ...key(`item-${i}`), ...some() } } },
              ),
            },
          }),
        ),
      () =>
        dynamodb
          .send(
            new PutItemCommand({
              TableName: "both",
              Item: { ...key(id), ...some() },
              ConditionExpression: "attribute_not_exists(id)",
            }),
          )
          .catch(() => undefined),
    ];
    return kinds[pick(kinds.length)]!;
  });
  for (let at = 0; at < writes.length; at += 10) await Promise.all(writes.slice(at, at + 10).map((write) => write()));

  const [shard] = await shardsOf("both");
  const { records, hasEnded } = await read("both", shard!);
  expect(hasEnded).toBe(false);
  expect(records.length).toBeGreaterThan(100);
  const now = new Map<string, unknown>();
  let last = 0n;
  for (const { eventName, eventID, dynamodb: change } of records) {
    expect(eventID).toMatch(/^[0-9a-f]{32}$/);
    expect(BigInt(change!.SequenceNumber!)).toBeGreaterThan(last);
    last = BigInt(change!.SequenceNumber!);
    const id = plain(change!.Keys);
    expect(plain(change!.OldImage)).toBe(plain(now.get(id)));
    expect(plain(change!.NewImage)).not.toBe(plain(change!.OldImage));
    expect(eventName).toBe(
      change!.OldImage === undefined ? "INSERT" : change!.NewImage === undefined ? "REMOVE" : "MODIFY",
    );
    if (change!.NewImage === undefined) now.delete(id);
    else now.set(id, change!.NewImage);
  }
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: "both" }));
  expect([...now.values()].map(plain).toSorted()).toEqual(Items.map(plain).toSorted());
});

it("time to live deletes as DynamoDB; a view type of keys has no images", async () => {
  await dynamodb.send(new PutItemCommand({ TableName: "kept", Item: { ...key("a"), x: { N: "5" } } }));
  expect(await temporary.stack.expireItems(10_000)).toBe(1);
  const [shard] = await shardsOf("kept");
  const { records } = await read("kept", shard!);
  expect(records.map(({ eventName }) => eventName)).toEqual(["INSERT", "REMOVE"]);
  expect(records.map(({ userIdentity }) => userIdentity)).toEqual([
    undefined,
    { PrincipalId: "dynamodb.amazonaws.com", Type: "Service" },
  ]);
  expect(records[1]!.dynamodb).not.toHaveProperty("OldImage");
  expect(records[0]!.dynamodb).not.toHaveProperty("NewImage");
});

it("shards that are closed end, and others go on with their keys", async () => {
  const put = (id: string, v: number) =>
    dynamodb.send(new PutItemCommand({ TableName: "rolled", Item: { ...key(id), v: { N: String(v) } } }));
  const ids = Array.from({ length: 20 }, (_, i) => `i${i}`);
  for (const id of ids) await put(id, 1);
  temporary.stack.rollTableStream("rolled");
  for (const id of ids) await put(id, 2);
  temporary.stack.rollTableStream("rolled", 3);
  for (const id of ids) await put(id, 3);
  const shards = await shardsOf("rolled", 2);
  expect(shards.map(({ ParentShardId }) => shards.findIndex(({ ShardId }) => ShardId === ParentShardId))).toEqual([
    -1, 0, 1, 1, 1,
  ]);
  const all = await Promise.all(shards.map((shard) => read("rolled", shard)));
  expect(all.map(({ hasEnded }) => hasEnded)).toEqual([true, true, false, false, false]);
  expect(all.map(({ records }) => records.length > 0)).toEqual([true, true, true, true, true]);
  expect(all.slice(2).flatMap(({ records }) => records)).toHaveLength(20);
  for (const [i, { SequenceNumberRange: range }] of shards.entries()) {
    for (const { dynamodb: change } of all[i]!.records) {
      const sequence = BigInt(change!.SequenceNumber!);
      expect(sequence >= BigInt(range!.StartingSequenceNumber!)).toBe(true);
      if (range!.EndingSequenceNumber !== undefined) expect(sequence <= BigInt(range!.EndingSequenceNumber)).toBe(true);
    }
  }
});

it("a table without a stream has none, and is written as before", async () => {
  await dynamodb.send(new PutItemCommand({ TableName: "none", Item: key("a") }));
  await expect(shardsOf("none")).rejects.toThrow("not found");
  expect(() => temporary.stack.rollTableStream("none")).toThrow("no stream");
});
