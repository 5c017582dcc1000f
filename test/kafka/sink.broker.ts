import { Admin, Consumer } from "@platformatic/kafka";
import { bigint, kafkaTopic, text } from "millrace";
import { afterAll, describe, expect, inject, test } from "vitest";
import { kafkaTopicWriter, TopicWriter } from "../../lib/connectors/kafka-topic/sink.ts";
import { partitionOf } from "../../lib/connectors/kafka/murmur2.ts";
import type { Services } from "../../lib/connectors/services.ts";
import { InterruptedDelivery } from "../../lib/runtime/sink-writer.ts";

const connection = { clientId: "test", bootstrapBrokers: [inject("bootstrapServers")], autocreateTopics: false };
const admin = new Admin(connection);
const services: Services = {
  aws: {
    of: () => {
      throw new Error("nothing of AWS is asked");
    },
  },
  now: Date.now,
  wait: () => Promise.resolve(),
};
afterAll(() => admin.close());

const PARTITIONS = 5;
let made = 0;
async function topicWith(configs: Readonly<Record<string, string>> = {}): Promise<string> {
  const topic = `rows-${process.pid}-${made++}`;
  const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1, configs: entries });
  return topic;
}

const sink = kafkaTopic("rows", { shop: text, n: bigint, pad: text }, { key: ({ shop }) => shop });
const writerOf = (topic: string, bootstrapServers = inject("bootstrapServers")) =>
  kafkaTopicWriter(sink, { auth: "none", bootstrapServers, topic }, services);
const delivery = (n: number, pad = "") => ({
  id: `task@7#${n}`,
  body: sink.encode({ shop: `shop ${n % 13}`, n, pad } as never),
});

interface Read {
  readonly id: string;
  readonly key: string;
  readonly partition: number;
  readonly row: { readonly shop: string; readonly n: number };
}

const ids = (found: readonly Read[]) => new Set(found.map(({ id }) => id));

/** A topic's records until there are enough, by partition in their order. */
async function read(topic: string, isEnough: (found: readonly Read[]) => boolean): Promise<readonly Read[]> {
  const consumer = new Consumer({ ...connection, groupId: `read-${topic}` });
  const found: Read[] = [];
  for await (const { headers, key, partition, value } of await consumer.consume({
    topics: [topic],
    mode: "earliest",
  })) {
    const [[name, id] = []] = [...headers];
    expect(name?.toString()).toBe("output_id");
    found.push({
      id: id!.toString(),
      key: key.toString(),
      partition,
      row: JSON.parse(value.toString()) as Read["row"],
    });
    if (isEnough(found)) break;
  }
  await consumer.close();
  return found;
}

describe("rows to a topic", () => {
  test("are there once, each with its id and on its key's partition, and a key's in their order", async () => {
    const topic = await topicWith();
    const deliveries = Array.from({ length: 3_000 }, (_, n) => delivery(n));
    expect(await writerOf(topic).deliver(deliveries)).toEqual([]);
    const found = await read(topic, ({ length }) => length === deliveries.length);
    expect(new Set(found.map(({ id }) => id)).size).toBe(deliveries.length);
    for (const { id, key, partition, row } of found) {
      expect([id, key, partition]).toEqual([`task@7#${row.n}`, row.shop, partitionOf(row.shop, PARTITIONS)]);
    }
    for (const shop of new Set(found.map(({ key }) => key))) {
      const order = found.filter(({ key }) => key === shop).map(({ row }) => row.n);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  });

  test("that another process sends again have the same ids: readers tell them by these", async () => {
    const topic = await topicWith();
    const deliveries = [delivery(1), delivery(2)];
    await writerOf(topic).deliver(deliveries);
    await writerOf(topic).deliver(deliveries);
    const found = await read(topic, ({ length }) => length === 4);
    expect(found.map(({ id }) => id).toSorted()).toEqual(["task@7#1", "task@7#1", "task@7#2", "task@7#2"]);
  });

  test("of several tasks at once are all there, each task's in its order", async () => {
    const topic = await topicWith();
    const writer = writerOf(topic);
    const [tasks, commits, rows] = [4, 12, 15];
    // Requests of the same number of records of the same keys: what a producer's numbers could confuse.
    const commitsOf = async (task: number) => {
      for (let epoch = 0; epoch < commits; epoch++) {
        await writer.deliver(
          Array.from({ length: rows }, (_, i) => {
            const n = epoch * rows + i;
            const body = sink.encode({ shop: "one shop", n, pad: `task ${task}` } as never);
            return { id: `task${task}@${epoch}#${i}`, body };
          }),
        );
      }
    };
    await Promise.all(Array.from({ length: tasks }, (_, task) => commitsOf(task)));
    const found = await read(topic, ({ length }) => length === tasks * commits * rows);
    expect(ids(found).size).toBe(tasks * commits * rows);
    for (let task = 0; task < tasks; task++) {
      const order = found.filter(({ id }) => id.startsWith(`task${task}@`)).map(({ row }) => row.n);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  });

  test("that are too large for the topic are refused for good, and no others", async () => {
    const topic = await topicWith({ "max.message.bytes": "2000" });
    const deliveries = [delivery(1), delivery(2, "x".repeat(5_000)), delivery(3)];
    const refusals = await writerOf(topic).deliver(deliveries);
    expect(refusals.map((refusal) => refusal.delivery.id)).toEqual(["task@7#2"]);
    // Those beside it may be there twice, as after every interruption.
    expect(ids(await read(topic, (found) => ids(found).size === 2))).toEqual(new Set(["task@7#1", "task@7#3"]));
  });

  test("that the topic refuses for what they are, are refused for good, and no others", async () => {
    const topic = await topicWith({ "cleanup.policy": "compact" });
    const keyless = kafkaTopic("keyless", { shop: text, n: bigint, pad: text });
    const writer = kafkaTopicWriter(
      keyless,
      { auth: "none", bootstrapServers: inject("bootstrapServers"), topic },
      services,
    );
    const refusals = await writer.deliver([
      { id: "task@7#1", body: keyless.encode({ shop: "a", n: 1n, pad: "" } as never) },
    ]);
    expect(refusals.map((refusal) => refusal.delivery.id)).toEqual(["task@7#1"]);
    expect(refusals[0]!.message).toMatch(/key/i);
  });

  test("with timestamps that the topic refuses are refused for good, and no others", async () => {
    const topic = await topicWith({ "message.timestamp.after.max.ms": "3600000" });
    const address = { auth: "none", bootstrapServers: inject("bootstrapServers") };
    const now = Date.now();
    const writer = new TopicWriter(address, services, topic, {
      messagesOf: async (deliveries) =>
        deliveries.map(({ id, body }) => ({
          topic,
          key: Buffer.from("a"),
          value: Buffer.from("{}"),
          headers: new Map([[Buffer.from("output_id"), Buffer.from(id)]]),
          timestamp: BigInt(body),
        })),
    });
    const times = [now, now + 2 * 86_400_000, -5, now];
    const refusals = await writer.deliver(times.map((time, n) => ({ id: `task@7#${n}`, body: String(time) })));
    expect(refusals.map((refusal) => refusal.delivery.id)).toEqual(["task@7#1"]);
  });

  test("of a deployment that is wrong say so, and not that Kafka is down", async () => {
    const writer = kafkaTopicWriter(
      sink,
      { auth: "scram", secretArn: "arn:none", topic: "any" },
      {
        ...services,
        aws: {
          of: () => ({ send: async () => ({ SecretString: "{}", BootstrapBrokerStringSaslScram: "" }) }) as never,
        },
      },
    );
    const stopped = await writer.deliver([delivery(1)]).catch((error: unknown) => error);
    expect(stopped).toMatchObject({ count: 0, cause: { kind: "systemic" } });
  });

  test("stop where the invocation's time is over: another one goes on from there", async () => {
    const topic = await topicWith();
    const hurried: Services = { ...services, wait: Object.assign(() => Promise.resolve(), { left: () => 0 }) };
    const writer = kafkaTopicWriter(
      sink,
      { auth: "none", bootstrapServers: inject("bootstrapServers"), topic },
      hurried,
    );
    const deliveries = Array.from({ length: 1_200 }, (_, n) => delivery(n));
    const stopped = await writer.deliver(deliveries).catch((error: unknown) => error);
    expect(stopped).toMatchObject({ count: 500, cause: { kind: "infrastructure", code: "kafka/produce" } });
  });

  test("of a broker that is down come again", async () => {
    const failed = await writerOf("any", "127.0.0.1:1")
      .deliver([delivery(1)])
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(InterruptedDelivery);
    expect(failed).toMatchObject({ count: 0, cause: { kind: "infrastructure", code: "kafka/produce" } });
  });
});
