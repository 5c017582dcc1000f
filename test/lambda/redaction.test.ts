import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Context } from "aws-lambda";
import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { lambdaHandler, type StageEvent, type StageHandler } from "millrace/lambda";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import { createChangelogTable, startDynamoDb, startS3, startShardList, type Emulator } from "../support/emulators.ts";

const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/cards";
const SECRET = "4929-1234-5678-9012";

/** A pipeline whose every way to fail is given the secret: as a key, as a field, in what user code throws. */
const cards = pipeline(
  "cards",
  (flow) => {
    flow
      .from(
        kinesis("cards", {
          schema: z.object({ card: z.string(), time: z.number(), kind: z.enum(["good", "bad", "odd"]) }),
          key: { card: (payment) => payment.card },
          eventTime: (payment) => payment.time,
          disorder: { hours: 1 },
        }),
      )
      .filter("checked", (payment) => {
        if (payment.kind === "bad") throw new Error(`Card ${payment.card} is refused.`);
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- user code throws anything
        if (payment.kind === "odd") throw payment;
        return true;
      })
      .byKey.window("hourly", tumbling({ hours: 1 }))
      .aggregate({ payments: count() })
      .to(lake("payments", { card: text, windowStart: timestamp, windowEnd: timestamp, payments: bigint }));
  },
  { poison: { share: 0.5 } },
);

const bindings = {
  deployment: "test",
  stage: "cards",
  generation: 0,
  source: { stream: "cards", streamArn: ARN, incarnation: 0, suspectAfterMillis: 40_000 },
  table: "changelog",
  bucket: "state",
  deadLetterQueueUrl: "http://127.0.0.1:1/dead",
  tickQueueUrl: "http://127.0.0.1:1/ticks",
  tickQueues: {},
  shuffles: {},
  lookupTables: {},
  deliveryStreams: { payments: "payments" },
};

let emulators: Emulator[] = [];
let dynamodb: DynamoDBClient;
let handler: StageHandler;
const printed: string[] = [];

beforeAll(async () => {
  const [dynamo, s3, kinesisEmulator] = (emulators = await Promise.all([
    startDynamoDb(),
    startS3(),
    startShardList(["shard-a", "shard-b"]),
  ]));
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", dynamo!.endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", s3!.endpoint);
  vi.stubEnv("AWS_ENDPOINT_URL_KINESIS", kinesisEmulator!.endpoint);
  vi.stubEnv("POWERTOOLS_DEV", "true");
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "DEBUG");
  vi.stubEnv(BINDINGS_VARIABLE, JSON.stringify(bindings));
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...said: unknown[]) => void printed.push(JSON.stringify(said)));
  }
  dynamodb = new DynamoDBClient({});
  await createChangelogTable(dynamodb);
  handler = lambdaHandler(cards);
});
afterAll(async () => {
  dynamodb.destroy();
  await Promise.all(emulators.map((emulator) => emulator.stop()));
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const record = (shard: string, sequence: number, payload: string, partitionKey = SECRET) => ({
  eventID: `${shard}:${sequence}`,
  eventSource: "aws:kinesis",
  eventSourceARN: ARN,
  kinesis: {
    data: Buffer.from(payload).toString("base64"),
    partitionKey,
    sequenceNumber: String(sequence),
    approximateArrivalTimestamp: 1_000,
    kinesisSchemaVersion: "1.0",
  },
});

const payment = (fields: object = {}) => JSON.stringify({ card: SECRET, time: 1_000, kind: "good", ...fields });

const invoke = (Records: readonly unknown[]) =>
  handler(
    { Records } as StageEvent,
    { getRemainingTimeInMillis: () => 60_000, functionName: "f", awsRequestId: "r" } as Context,
  );

const HIDDEN = [SECRET, Buffer.from(SECRET).toString("base64"), "1234-5678"];

describe("logs never hold what records hold", () => {
  test.each<[string, readonly unknown[]]>([
    ["records that are folded", [record("shard-a", 1, payment())]],
    ["JSON that is none", [record("shard-a", 2, `{"card":"${SECRET}"`)]],
    ["a field of another type", [record("shard-a", 3, payment({ time: SECRET }))]],
    ["a value that a schema does not know", [record("shard-a", 4, payment({ kind: SECRET }))]],
    ["a partition key that is not the record's", [record("shard-a", 5, payment(), `other ${SECRET}`)]],
    ["an error of user code", [record("shard-a", 6, payment({ kind: "bad" }))]],
    ["what user code throws that is no error", [record("shard-a", 7, payment({ kind: "odd" }))]],
    [
      "a batch that is refused as a whole, as most of it is poison",
      Array.from({ length: 200 }, (_, i) => record("shard-b", i + 1, payment({ kind: "bad" }))),
    ],
    [
      "a message in the tick queue that is none",
      [{ messageId: "m1", receiptHandle: "h", body: JSON.stringify({ type: "redrive", card: SECRET }) }],
    ],
    ["an event that no mapping sends", [{ sns: { card: SECRET } }]],
  ])("%s", async (_, records) => {
    printed.length = 0;
    // Nothing takes messages and rows here, so deliveries fail as well, and say so.
    await invoke(records).catch(() => undefined);
    expect(printed.length).toBeGreaterThan(0);
    for (const secret of HIDDEN) expect(printed.join("\n")).not.toContain(secret);
  });
});
