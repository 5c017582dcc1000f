import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { streamCopy, type RawRecord } from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sinkWriter } from "../../lib/connectors/sink-connectors.ts";
import type { AwsClients } from "../../lib/connectors/services.ts";
import { deaggregate } from "../../lib/formats/kpl.ts";
import { parseOutputId } from "../../lib/state/task-id.ts";
import { temporaryStack, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";
import { faultyClients, listed } from "../connectors/faulty-clients.ts";
import { sinkContract, FAIR, type SinkUnderTest, type Weather } from "../connectors/sink-contract.ts";
import { Region } from "./region.ts";

let temporary: TemporaryStack;
let region: Region;
beforeAll(async () => {
  const keys = ["task", "place"];
  temporary = await temporaryStack({
    Resources: {
      Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "copy", ShardCount: 3 } },
      OneWay: { Type: "AWS::Kinesis::Stream", Properties: { Name: "one-way", ShardCount: 2 } },
      Table: {
        Type: "AWS::DynamoDB::Table",
        Properties: {
          TableName: "positions",
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
          KeySchema: keys.map((AttributeName, i) => ({ AttributeName, KeyType: ["HASH", "RANGE"][i] })),
        },
      },
    },
  });
  region = new Region("dublin", temporary.stack, "copy");
}, 60_000);
afterAll(async () => {
  region?.kinesis.destroy();
  await temporary?.remove();
});

const sink = streamCopy("copy", { cluster: "dublin" });

/** A record whose name is an output's id, so that it is known again. */
const recordOf = (n: number, lane: string | null, id: string): RawRecord => ({
  key: lane === null ? null : Buffer.from(lane),
  value: Buffer.from(`{"n":${n}}`),
  headers: [],
  timestamp: n,
  origin: { id, clusters: ["frankfurt"] },
  place: { partition: "shard", sequence: String(id === "" ? 0 : parseOutputId(id).epoch * 1_000 + n), index: 0 },
});

const namesIn = (data: Uint8Array) =>
  (deaggregate(Buffer.from(data)) ?? []).map(({ tags }) => tags.find(([key]) => key === "millrace-origin")![1]!);

/** Kinesis meets the weather; the table of positions does not. */
function clients(weather: Weather): AwsClients {
  const wire = {
    endpoint: temporary.stack.endpoints.kinesis,
    entries: "Records",
    idsOf: (({ Data }: { readonly Data: Uint8Array }) => namesIn(Data)) as never,
    merged: listed("Records", { ErrorCode: "ProvisionedThroughputExceededException" }, "FailedRecordCount"),
  };
  const kinesis = faultyClients(wire, weather);
  return {
    of: (Client) =>
      (Client as unknown) === DynamoDBClient
        ? (new DynamoDBClient({
            endpoint: temporary.stack.endpoints.dynamodb,
            region: "us-east-1",
            credentials: { accessKeyId: "local", secretAccessKey: "local" },
          }) as never)
        : kinesis.of(Client),
  };
}

const addressOf = (stream: string) => ({
  streamArn: `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`,
  positions: "positions",
});

const writerOf = (weather: Weather, of = sink, stream = "copy") => {
  const services = { aws: clients(weather), now: Date.now, wait: () => Promise.resolve() };
  return sinkWriter(of, addressOf(stream), services);
};

let opened: SinkUnderTest | undefined;
let read = 0;
sinkContract("copy on Kinesis", () => {
  opened ??= {
    writer: (weather) => {
      const writer = writerOf(weather);
      return { deliver: async (deliveries) => (await writer).deliver(deliveries) };
    },
    bodyOf: (n, lane, id) => sink.encode(recordOf(n, lane, id) as never),
    received: async () => {
      const all = (await region.read()).toSorted((a, b) => a.arrival - b.arrival || 0);
      const news = all.slice(read);
      read = all.length;
      return news.map(({ origin, key }) => ({ id: origin.id, lane: String(key) }));
    },
    keepsOrder: true,
    dropsRepeats: false,
    sharesEntries: true,
  };
  return opened;
});

describe("copies on Kinesis", () => {
  const deliveries = (epoch: number, lanes: readonly (string | null)[], of = sink) =>
    lanes.map((lane, n) => {
      const id = `test:0:stage:source.0:shard@${epoch}#${n}`;
      return { id, body: of.encode(recordOf(n, lane, id) as never) };
    });

  test("of one key are one record: a key with many is not sent one by one", async () => {
    let requests = 0;
    const writer = await writerOf({ ...FAIR, fails: () => (requests++, undefined) });
    await writer.deliver(
      deliveries(
        90_001,
        Array.from({ length: 400 }, () => "hot"),
      ),
    );
    expect(requests).toBe(1);
  });

  test("without a key are spread, and bound to nothing", async () => {
    const writer = await writerOf(FAIR);
    const names = new Set(
      deliveries(
        90_002,
        Array.from({ length: 60 }, () => null),
      ).map(({ id }) => id),
    );
    await writer.deliver(
      deliveries(
        90_002,
        Array.from({ length: 60 }, () => null),
      ),
    );
    const found = (await region.read()).filter(({ origin }) => names.has(origin.id));
    expect(found).toHaveLength(60);
    expect(new Set(found.map(({ shard }) => shard)).size).toBe(3);
    for (const { key } of found) expect(key).toBeNull();
  });

  test("one way are the payloads alone, in the order of a key; a tombstone is a dead letter", async () => {
    const bare = streamCopy("bare", { cluster: "dublin", oneWay: true });
    const writer = await writerOf(FAIR, bare, "one-way");
    await writer.deliver(deliveries(90_003, ["a", "b", "a", "a"], bare));
    const other = new Region("dublin", temporary.stack, "one-way");
    const found = await other.read();
    other.kinesis.destroy();
    expect(found.filter(({ key }) => String(key) === "a").map(({ value }) => String(value))).toEqual(
      [0, 2, 3].map((n) => `{"n":${n}}`),
    );
    expect(() => bare.encode({ ...recordOf(1, "a", ""), value: null } as never)).toThrow(
      expect.objectContaining({ kind: "poison", code: "replication/no-value" }) as Error,
    );
  });
});
