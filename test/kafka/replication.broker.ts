import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Admin, Producer } from "@platformatic/kafka";
import { App, Stack } from "aws-cdk-lib";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import { kafkaRecords, type RawRecord } from "millrace";
import { CopyPositions, MillracePipeline, selfManaged, unauthenticated } from "millrace/cdk";
import { startLocalStack, type LocalStack } from "millrace/local";
import { copyPositions } from "millrace/replication";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { formatOf } from "../../lib/connectors/formats.ts";
import { kafkaSource } from "../../lib/connectors/kafka/source.ts";
import { TopicReader } from "../../localstack/mappings/kafka-reader.ts";
import { seededRandom } from "../../localstack/random.ts";
import { until } from "../end-to-end/live.ts";
import { firsts } from "../replication/firsts.ts";
import { Region } from "../replication/region.ts";
import ring, { BERLIN, PARIS } from "./ring/pipeline.ts";

/**
 * From Kafka to Kinesis to Kafka and back to where it began: three clusters in a ring, while functions die and requests fail.
 */
const bootstrapServers = [inject("bootstrapServers")];
const connection = { clientId: "test", bootstrapBrokers: bootstrapServers, autocreateTopics: false };
const admin = new Admin(connection);
const producer = new Producer({ ...connection, idempotent: true, acks: -1 });
const PARTITIONS = 3;
const EACH = 200;
const T0 = Date.UTC(2024, 0, 1);
const KEYS = ["a", "b", "c d", "é", "x".repeat(300)].map((text) => Buffer.from(text));

const random = seededRandom(5);
const pick = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)]!;

let produced = 0;
/** Any bytes and none, with headers that come twice, with a key of any bytes or none. */
function message(topic: string) {
  const n = produced++;
  const key = random() < 0.1 ? undefined : random() < 0.1 ? Buffer.of(0xff, 0, n % 3) : pick(KEYS);
  const value = Buffer.from(random() < 0.2 ? [0xff, n & 0xff, n >> 8] : JSON.stringify({ n }));
  const headers = new Map([
    [Buffer.from("trace"), Buffer.from([n & 0xff, 0xff])],
    [Buffer.from("trace"), Buffer.from("twice")],
  ]);
  return {
    topic,
    partition: key === undefined ? n % PARTITIONS : key[0]! % PARTITIONS,
    timestamp: BigInt(T0 + n * 1_000),
    headers: random() < 0.5 ? headers : new Map<Buffer, Buffer>(),
    ...(key && { key }),
    ...(key === undefined || random() > 0.1 ? { value } : {}), // else a tombstone
  };
}

/** All that is in a topic, as a pipeline reads it; each partition in its order. */
async function topicRecords(topic: string, cluster: string): Promise<readonly RawRecord[]> {
  const reader = new TopicReader(bootstrapServers, topic);
  const { decode } = formatOf(kafkaRecords("read", { cluster, topic }));
  const all: RawRecord[] = [];
  try {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const end = await reader.end(partition);
      for (let next = 0n; next < end;) {
        const { records, next: after } = await reader.read(partition, next);
        next = after;
        for (const { json } of records) {
          const event = { eventSource: "SelfManagedKafka", records: { [`${topic}-${partition}`]: [JSON.parse(json)] } };
          const [found] = kafkaSource.recordsOf(event, { topic })[0]!.records;
          all.push(decode(found!).value as RawRecord);
        }
      }
    }
  } finally {
    await reader.close();
  }
  return all;
}

let stack: LocalStack;
let directory: string;
let dublin: Region;
let dynamodb: DynamoDBClient;
beforeAll(async () => {
  for (const topic of [BERLIN, PARIS])
    await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 });
  process.env["CDK_VALIDATION"] = "false";
  directory = mkdtempSync(join(tmpdir(), "millrace-ring-"));
  const app = new App({ outdir: join(directory, "cdk.out") });
  const cdk = new Stack(app, "ring");
  const cluster = selfManaged({ bootstrapServers, auth: unauthenticated() });
  const existing = new Stream(cdk, "Dublin", { streamName: "dublin", shardCount: 2 });
  const positions = new CopyPositions(cdk, "Positions", { tableName: "positions", removal: "destroy" }).table;
  new MillracePipeline(cdk, "Ring", {
    pipeline: ring,
    handler: "test/kafka/ring/handler.ts",
    mapping: { batchSize: 40, batchingWindow: { seconds: 0 } },
    function: { timeout: { seconds: 20 } },
    kafka: { berlin: { cluster }, paris: { cluster } },
    streams: { dublin: { existing } },
    streamCopies: { to_dublin: { stream: existing, positions } },
    topicCopies: { to_paris: { cluster, positions }, to_berlin: { cluster, positions } },
  });
  stack = await startLocalStack({
    templates: [app.synth().getStackByName("ring").templateFullPath],
    dataDirectory: join(directory, "data"),
    faults: {
      seed: 2,
      killWorker: 0.1,
      repeatBatch: 0.1,
      cutBatch: 0.3,
      throttleTable: 0.03,
      loseTableAnswer: 0.03,
      throttleStream: 0.1,
      loseStreamAnswer: 0.1,
      failSink: 0,
      failSinkPartly: 0,
      repeatSink: 0,
      delaySink: 0,
      delayMillis: 0,
      earlyChild: 0,
    },
  });
  dublin = new Region("dublin", stack, "dublin");
  dynamodb = new DynamoDBClient({
    endpoint: stack.endpoints.dynamodb,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
}, 120_000);
afterAll(async () => {
  dublin?.kinesis.destroy();
  dynamodb?.destroy();
  await stack?.stop();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  await producer.close();
  await admin.close();
});

const read = () => Promise.all([topicRecords(BERLIN, "berlin"), dublin.read(), topicRecords(PARIS, "paris")] as const);

const isQuiet = async () => {
  const { recordsBehind, inFlight } = await stack.lag();
  return recordsBehind + inFlight === 0;
};

const base64 = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("base64");
/** All of a record but for the places where it was read. */
const plain = ({ key, value, headers, timestamp, origin }: RawRecord) => ({
  id: origin.id,
  key: base64(key),
  value: base64(value),
  headers: headers.map(([name, of]) => [name, base64(of)]),
  timestamp,
});
const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1);

let seen: Awaited<ReturnType<typeof read>>;

test("records are produced everywhere, and read by all, while functions die and requests fail", async () => {
  for (let i = 0; i < EACH; i += 50) {
    for (const topic of [BERLIN, PARIS])
      await producer.send({ messages: Array.from({ length: 50 }, () => message(topic)) });
    await dublin.put(
      Array.from({ length: 50 }, () => ({
        PartitionKey: pick(["a", "b", "é"]),
        Data: Buffer.from(JSON.stringify({ n: produced++ })),
      })),
    );
  }
  await until("all is read", isQuiet, 150);
  for (const fault of ["killWorker", "throttleStream", "loseStreamAnswer", "loseTableAnswer"] as const)
    expect(stack.injected()[fault], fault).toBeGreaterThan(0);
  stack.calm();
  await until("all is read", isQuiet, 60);
  seen = await read();
}, 240_000);

describe("X5, X8: in each of three clusters", () => {
  test("every record is there, with key, value, headers, timestamp and name as where it was produced", () => {
    const [berlin, middle, paris] = seen.map((all) => firsts<RawRecord>(all).map(plain).toSorted(byId));
    expect(berlin).toHaveLength(3 * EACH);
    // A record of Kinesis has its arrival for a timestamp, and only copies tell it.
    expect(middle).toEqual(berlin);
    expect(paris).toEqual(berlin);
    expect(berlin!.filter(({ value }) => value === null).length).toBeGreaterThan(10);
    expect(berlin!.filter(({ key }) => key === null).length).toBeGreaterThan(10);
    expect(berlin!.filter(({ headers }) => headers.length === 2).length).toBeGreaterThan(100);
  });

  test("nothing goes around: the number of records has settled, and none has been anywhere twice", async () => {
    await until("all is read", isQuiet);
    expect((await read()).map(({ length }) => length)).toEqual(seen.map(({ length }) => length));
    for (const { origin } of seen.flat()) expect(new Set(origin.clusters).size).toBe(origin.clusters.length);
  });

  test("records of a key are in the order in which they were produced, repeats aside", () => {
    for (const from of ["berlin", "dublin", "paris"] as const) {
      const orders = seen.map((all) => {
        const byKey = new Map<string | null, string[]>();
        for (const one of firsts<RawRecord>(all)) {
          const key = base64(one.key);
          if (one.origin.id.startsWith(`${from}/`) && key !== null)
            byKey.set(key, [...(byKey.get(key) ?? []), one.origin.id]);
        }
        return byKey;
      });
      expect(orders[0]!.size).toBeGreaterThan(2);
      for (const [key, ids] of orders[0]!) for (const other of orders) expect(other.get(key)).toEqual(ids);
    }
  });
});

test("X5: an offset of a topic translates to offsets of its copy: whoever begins behind these misses nothing", async () => {
  const [berlin, , paris] = seen;
  const positions = copyPositions({
    client: dynamodb,
    tableName: "positions",
    pipeline: "ring",
    source: "paris",
    sink: "to_berlin",
  });
  const isSent = ({ origin }: RawRecord) => !origin.clusters.includes("berlin");
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const own = paris.filter(({ place }) => place.number === partition);
    for (const { place } of own.filter((_, i) => i % 5 === 0)) {
      const { after, timestamp } = await positions.translate({ [place.partition]: place.sequence });
      const rest = own.filter((one) => isSent(one) && BigInt(one.place.sequence) > BigInt(place.sequence));
      // Before the first copy there is no line, and no offset but the first.
      if (timestamp !== undefined) expect(Object.keys(after).toSorted()).toEqual(["0", "1", "2"]);
      const found = new Set(
        berlin
          .filter((one) => BigInt(one.place.sequence) > BigInt(after[String(one.place.number)] ?? -1))
          .map(({ origin }) => origin.id),
      );
      expect(rest.map(({ origin }) => origin.id).filter((id) => !found.has(id))).toEqual([]);
    }
  }
});
