import { expect, test } from "vitest";
import type { Usage } from "../types.ts";
import { estimateCost } from "./cost.ts";

const service = (requests: Record<string, number> = {}) => ({ requests, bytesIn: 0, bytesOut: 0 });

const usage: Usage = {
  dynamodb: { ...service({ PutItem: 900, Query: 900 }), writeUnits: 4_000, readUnits: 2_000 },
  kinesis: { ...service({ PutRecords: 1_000 }), functionPutUnits: 500 },
  s3: service({
    PutObject: 20,
    ListObjectsV2: 5,
    GetObject: 30,
    HeadObject: 10,
    DeleteObject: 1_000,
    DeleteObjects: 1_000,
  }),
  sqs: service({ SendMessage: 70, ReceiveMessage: 20, DeleteMessage: 10 }),
  firehose: { ...service({ PutRecordBatch: 100 }), records: 200, billedBytes: 2 ** 30 / 2 },
  lambda: {
    invocations: 1_000,
    errors: 0,
    restarts: 0,
    durationMillis: 100_000,
    gigabyteSeconds: 100,
    payloadBytes: 0,
  },
};

test("a bill by hand: half a million events, so that everything counts twice", () => {
  const { items, total, shardsPerHour } = estimateCost(usage, {
    events: 500_000,
    putUnits: 499_500,
    streams: 2,
    shards: 4,
  });
  const dollars = Object.fromEntries(items.map((item) => [`${item.service} ${item.what}`, item.dollars]));
  const byHand = {
    "Lambda requests": 0.0004, // 2,000 requests at $0.20 a million
    "Lambda GB-seconds, Arm": 0.00266668, // 200 at $0.0000133334
    "DynamoDB write units": 0.005, // 8,000 at $0.625 a million
    "DynamoDB read units": 0.0005, // 4,000 at $0.125 a million
    "Kinesis PUT units": 0.014, // a million
    "Firehose GB billed": 0.047, // 1 GB at $0.029 and $0.018
    "S3 PUT and LIST requests": 0.00025, // 50 at $0.005 a thousand
    "S3 GET requests": 0.000032, // 80 at $0.0004 a thousand; deletes are free
    "SQS requests": 0.00008, // 200 at $0.40 a million
  };
  expect(Object.keys(dollars)).toEqual(Object.keys(byHand));
  for (const [name, value] of Object.entries(byHand)) expect(dollars[name], name).toBeCloseTo(value, 12);
  expect(total).toBeCloseTo(0.06992868, 12);
  expect(shardsPerHour).toBeCloseTo(0.12, 12);
});
