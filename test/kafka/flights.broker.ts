import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Admin, Producer } from "@platformatic/kafka";
import { selfManaged, unauthenticated } from "millrace/cdk";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import type { FaultPlan } from "../../localstack/types.ts";
import { Deployed, type DeployOptions } from "./flights/deployed.ts";
import { expectedRows, flights, type Flight } from "./flights/flights.ts";
import { ofGrowingTopic, ofKafka, ofKinesis, TOPIC } from "./flights/pipelines.ts";

const bootstrapServers = [inject("bootstrapServers")];
const connection = { clientId: "test", bootstrapBrokers: bootstrapServers, autocreateTopics: false };
const admin = new Admin(connection);
const producer = new Producer({ ...connection, idempotent: true, acks: -1 });
const all = flights(10_000);
const expected = expectedRows(all);

beforeEach(async () => {
  if ((await admin.listTopics()).includes(TOPIC)) await admin.deleteTopics({ topics: [TOPIC] });
  await admin.createTopics({ topics: [TOPIC], partitions: 3, replicas: 1 });
  await admin.metadata({ topics: [TOPIC], forceUpdate: true });
  producer.clearMetadata();
});
afterAll(async () => {
  await producer.close();
  await admin.close();
});

/** Puts flights in their order; each partition's remain in it. */
async function produce(some: readonly Flight[], partitions: number): Promise<void> {
  for (let i = 0; i < some.length; i += 500) {
    await producer.send({
      messages: some.slice(i, i + 500).map((flight, n) => ({
        topic: TOPIC,
        partition: (i + n) % partitions,
        key: Buffer.from(flight.origin),
        value: Buffer.from(JSON.stringify(flight)),
        timestamp: BigInt(flight.departedAt),
      })),
    });
  }
}

const kafka = { departures: { cluster: selfManaged({ bootstrapServers, auth: unauthenticated() }) } };
const folder = "test/kafka/flights";
const topicOf: DeployOptions = { pipeline: ofKafka, handler: `${folder}/kafka-handler.ts`, kafka };
const growing: DeployOptions = { pipeline: ofGrowingTopic, handler: `${folder}/growing-handler.ts`, kafka };

const partitionsOf = (n: number) => Array.from({ length: n }, (_, i) => `${TOPIC}-${i}`);

async function deployed<T>(options: DeployOptions, work: (deployed: Deployed) => Promise<T>): Promise<T> {
  const running = await Deployed.start(options);
  try {
    return await work(running);
  } finally {
    await running.stop();
  }
}

const FAULTS: FaultPlan = {
  seed: 1,
  killWorker: 0.2,
  repeatBatch: 0.15,
  cutBatch: 0.5,
  throttleTable: 0.05,
  loseTableAnswer: 0.08,
  throttleStream: 0.1,
  loseStreamAnswer: 0.1,
  failSink: 0.1,
  failSinkPartly: 0,
  repeatSink: 0.1,
  delaySink: 0.05,
  delayMillis: 200,
  earlyChild: 0,
};

describe("flights through Kafka", () => {
  let ofStream: readonly string[];

  beforeAll(async () => {
    ofStream = await deployed({ pipeline: ofKinesis, handler: `${folder}/kinesis-handler.ts` }, async (running) => {
      const { stack } = running;
      const client = new KinesisClient({
        region: "us-east-1",
        credentials: { accessKeyId: "local", secretAccessKey: "local" },
        endpoint: stack.endpoints.kinesis,
        requestHandler: new NodeHttpHandler(),
      });
      const stream = Object.entries(stack.outputs).find(([name]) => name.endsWith("SourceDeparturesStream"))![1];
      for (let i = 0; i < all.length; i += 500) {
        const Records = all.slice(i, i + 500).map((flight) => ({
          PartitionKey: flight.origin,
          Data: Buffer.from(JSON.stringify(flight)),
        }));
        const { FailedRecordCount } = await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
        expect(FailedRecordCount ?? 0).toBe(0);
      }
      client.destroy();
      await running.drain(["shardId-000000000000", "shardId-000000000001"]);
      return (await running.rows()).rows;
    });
    expect(ofStream).toEqual(expected);
  }, 240_000);

  test("give the rows of Kinesis", async () => {
    await deployed(topicOf, async (running) => {
      await produce(all, 3);
      await running.drain(partitionsOf(3));
      const { rows } = await running.rows();
      expect(rows).toEqual(ofStream);
    });
  });

  test("give the rows of Kinesis, whatever fails on the way", async () => {
    await deployed({ ...topicOf, faults: FAULTS }, async (running) => {
      await produce(all, 3);
      await running.drain(partitionsOf(3));
      const { rows } = await running.rows();
      expect(rows).toEqual(ofStream);
      const { killWorker, repeatBatch, cutBatch } = running.stack.injected();
      expect(Math.min(killWorker, repeatBatch, cutBatch)).toBeGreaterThan(0);
    });
  });

  test("give the rows of Kinesis while partitions are added, and things fail", async () => {
    await deployed({ ...growing, faults: FAULTS }, async (running) => {
      const third = Math.ceil(all.length / 3);
      await produce(all.slice(0, third), 3);
      await admin.createPartitions({ topics: [{ name: TOPIC, count: 4, assignments: [{ brokerIds: [1] }] }] });
      producer.clearMetadata();
      await produce(all.slice(third, 2 * third), 4);
      await admin.createPartitions({
        topics: [{ name: TOPIC, count: 6, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
      });
      producer.clearMetadata();
      // One of the new ones gets nothing: readers wait for its word all the same.
      await produce(all.slice(2 * third), 5);
      await running.drain(partitionsOf(6));
      const { rows } = await running.rows();
      expect(rows).toEqual(ofStream);
    });
  });
});
