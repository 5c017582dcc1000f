import type { DynamoDBRecord } from "aws-lambda";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { batchOf, isDynamoStreamEvent } from "../../lib/connectors/dynamodb-stream/event.ts";
import { formatOf } from "../../lib/connectors/formats.ts";
import { dynamoStream, lake, pipeline, text, type Change } from "../../lib/index.ts";
import { testDriver } from "../../lib/testing/index.ts";

const streamArn = "arn:aws:dynamodb:us-east-1:123456789012:table/ExampleTableWithStream/stream/2015-06-27T00:48:05.899";

/** The example of the Lambda developer guide ("Using AWS Lambda with Amazon DynamoDB"), with its view type and one stream. */
const recorded: readonly DynamoDBRecord[] = [
  {
    eventID: "1",
    eventVersion: "1.0",
    dynamodb: {
      ApproximateCreationDateTime: 1_428_537_600,
      Keys: { Id: { N: "101" } },
      NewImage: { Message: { S: "New item!" }, Id: { N: "101" } },
      StreamViewType: "NEW_AND_OLD_IMAGES",
      SequenceNumber: "111",
      SizeBytes: 26,
    },
    awsRegion: "us-west-2",
    eventName: "INSERT",
    eventSourceARN: streamArn,
    eventSource: "aws:dynamodb",
  },
  {
    eventID: "2",
    eventVersion: "1.0",
    dynamodb: {
      ApproximateCreationDateTime: 1_428_537_600,
      OldImage: { Message: { S: "New item!" }, Id: { N: "101" } },
      SequenceNumber: "222",
      Keys: { Id: { N: "101" } },
      SizeBytes: 59,
      NewImage: { Message: { S: "This item has changed" }, Id: { N: "101" } },
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    awsRegion: "us-west-2",
    eventName: "MODIFY",
    eventSourceARN: streamArn,
    eventSource: "aws:dynamodb",
  },
  {
    eventID: "3",
    eventVersion: "1.0",
    dynamodb: {
      ApproximateCreationDateTime: 1_428_537_600,
      Keys: { Id: { N: "101" } },
      SizeBytes: 38,
      SequenceNumber: "333",
      OldImage: { Message: { S: "This item has changed" }, Id: { N: "101" } },
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
    awsRegion: "us-west-2",
    eventName: "REMOVE",
    eventSourceARN: streamArn,
    eventSource: "aws:dynamodb",
  },
];

const row = z.object({ Id: z.number(), Message: z.string() });
const key = z.object({ Id: z.number() });
const messages = dynamoStream("messages", { row, key, before: "row", disorder: { seconds: 1 } });
const needed = { streamArn, hasOldImages: true };

const changesOf = (source: typeof messages, records: readonly DynamoDBRecord[]) =>
  batchOf({ Records: records }, needed).records.map((record) => formatOf(source).decode(record));

/** The first record, with other fields. */
const changed = (change: object, dynamodb: object = {}): DynamoDBRecord => ({
  ...recorded[0]!,
  ...change,
  dynamodb: { ...recorded[0]!.dynamodb, ...dynamodb },
});

test("a Lambda event's records are changes, with old and new images", () => {
  expect(isDynamoStreamEvent({ Records: recorded })).toBe(true);
  expect(isDynamoStreamEvent({ Records: [{ kinesis: {} }] })).toBe(false);
  const decoded = changesOf(messages, recorded);
  expect(decoded.map(({ time }) => time)).toEqual([1_428_537_600_000, 1_428_537_600_000, 1_428_537_600_000]);
  expect(decoded.map(({ value }) => value)).toEqual([
    {
      op: "insert",
      key: { Id: 101 },
      after: { Id: 101, Message: "New item!" },
      at: 1_428_537_600_000,
      position: "111".padStart(40, "0"),
      source: { connector: "dynamodb" },
    },
    expect.objectContaining({
      op: "update",
      before: { Id: 101, Message: "New item!" },
      after: { Id: 101, Message: "This item has changed" },
    }),
    expect.objectContaining({ op: "delete", key: { Id: 101 }, before: { Id: 101, Message: "This item has changed" } }),
  ]);
});

test("an item that time to live took is marked", () => {
  const expired = { ...recorded[2]!, userIdentity: { type: "Service", principalId: "dynamodb.amazonaws.com" } };
  const other = {
    ...recorded[2]!,
    userIdentity: { type: "Service", principalId: "replication.dynamodb.amazonaws.com" },
  };
  const [one] = changesOf(messages, [expired]);
  const [two] = changesOf(messages, [other]);
  expect((one!.value as Change<unknown, unknown>).source).toEqual({ connector: "dynamodb", expired: true });
  expect((two!.value as Change<unknown, unknown>).source).toEqual({ connector: "dynamodb" });
});

test("items are plain: exact whole numbers, sets, lists, maps, binaries as base64", () => {
  const anything = dynamoStream("any", { row: z.looseObject({}), key, disorder: { seconds: 1 } });
  const image = {
    Id: { N: "9007199254740993" },
    half: { N: "0.5" },
    yes: { BOOL: true },
    nothing: { NULL: true },
    set: { SS: ["a", "b"] },
    numbers: { NS: ["1", "2"] },
    list: { L: [{ S: "x" }, { M: { y: { N: "1" } } }] },
    bytes: { B: "AAEC" },
  };
  const [decoded] = changesOf(anything as never, [changed({}, { NewImage: image })]);
  expect((decoded!.value as Change<unknown, unknown>).after).toEqual({
    Id: 9_007_199_254_740_993n,
    half: 0.5,
    yes: true,
    nothing: null,
    set: ["a", "b"],
    numbers: [1, 2],
    list: ["x", { y: 1 }],
    bytes: "AAEC",
  });
});

test("with new images alone a delete has its key", () => {
  const keyed = dynamoStream("keyed", { row, key, disorder: { seconds: 1 } });
  const { OldImage: _, ...bare } = recorded[2]!.dynamodb!;
  const record = { ...recorded[2]!, dynamodb: { ...bare, StreamViewType: "NEW_IMAGE" as const } };
  const { records } = batchOf({ Records: [record] }, { streamArn, hasOldImages: false });
  expect(formatOf(keyed).decode(records[0]!).value).toMatchObject({ op: "delete", key: { Id: 101 } });
});

describe("what is no batch of the table's stream fails as a whole", () => {
  test.each([
    ["another stream's", [changed({ eventSourceARN: "arn:other" })], "dynamodb-stream/other-stream"],
    ["of another view", [changed({}, { StreamViewType: "KEYS_ONLY" })], "dynamodb-stream/view"],
    ["of new images alone", [changed({}, { StreamViewType: "NEW_IMAGE" })], "dynamodb-stream/view"],
    ["without a number", [changed({}, { SequenceNumber: undefined })], "dynamodb-stream/event"],
    ["of a number that is none", [changed({}, { SequenceNumber: "0x1" })], "dynamodb-stream/event"],
    ["without a time", [changed({}, { ApproximateCreationDateTime: "now" })], "dynamodb-stream/event"],
    ["without an id", [changed({ eventID: "" })], "dynamodb-stream/event"],
    ["without a change", [{ ...recorded[0]!, dynamodb: undefined }], "dynamodb-stream/event"],
    ["out of order", [recorded[1]!, recorded[0]!], "dynamodb-stream/order"],
  ])("%s", (_what, records, code) => {
    expect(() => batchOf({ Records: records }, needed)).toThrow(expect.objectContaining({ kind: "systemic", code }));
  });
});

describe("a record that does not fit is poison, alone", () => {
  test.each([
    ["its image", { NewImage: { Id: { N: "101" } } }, {}, "NewImage.Message"],
    ["its image's shape", { NewImage: { Id: 7 } }, {}, "NewImage"],
    ["its key", { Keys: { Id: { S: "x" } } }, {}, "Id"],
    ["its name", {}, { eventName: "UPSERT" }, "eventName"],
  ])("%s", (_what, dynamodb, change, path) => {
    expect(() => changesOf(messages, [changed(change, dynamodb)])).toThrow(
      expect.objectContaining({
        kind: "poison",
        code: "schema/mismatch",
        message: expect.stringContaining(path) as string,
      }),
    );
  });
});

test("its shards have no ranges of keys: `byKey` is refused, and the driver takes its records", () => {
  const out = lake("out", { op: text });
  const ops = pipeline("ops", (flow) => {
    flow
      .from(messages)
      .map("op", ({ op }) => ({ op }))
      .to(out);
  });
  const driver = testDriver(ops);
  for (const { eventName, dynamodb } of recorded) driver.push(messages, { eventName, dynamodb } as never);
  expect(driver.read(out)).toEqual([{ op: "insert" }, { op: "update" }, { op: "delete" }]);
  expect(() => pipeline("keyed", (flow) => void (flow.from(messages) as unknown as { byKey: unknown }).byKey)).toThrow(
    "without a key",
  );
});
