import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { Admin, compatibilityPartitioner, Consumer, Producer } from "@platformatic/kafka";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { TopicClient } from "../../lib/connectors/kafka/client.ts";
import { partitionOf } from "../../lib/connectors/kafka/murmur2.ts";
import { KafkaPartitions } from "../../lib/connectors/kafka/partitions.ts";
import type { Services } from "../../lib/connectors/services.ts";
import type { Address } from "../../lib/plan/bindings.ts";
import { USERS } from "./setup.ts";

const connection = { clientId: "test", bootstrapBrokers: [inject("bootstrapServers")], autocreateTopics: false };
const admin = new Admin(connection);
const producer = new Producer({ ...connection, idempotent: true, acks: -1 });
const services: Services = {
  aws: {
    of: () => {
      throw new Error("nothing of AWS is asked");
    },
  },
  now: Date.now,
  wait: () => Promise.resolve(),
};

afterAll(async () => {
  await producer.close();
  await admin.close();
});

let made = 0;
/** A topic of its own for every test. */
async function topicWith(partitions: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
  const topic = `topic-${process.pid}-${made++}`;
  const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: entries });
  return topic;
}

const partitionsOf = (topic: string, address: Address = {}, own = services) =>
  new KafkaPartitions(
    new TopicClient({ auth: "none", bootstrapServers: inject("bootstrapServers"), topic, ...address }, own),
    topic,
    undefined,
  );

const put = async (topic: string, values: readonly (string | null)[], key = "k") => {
  const messages = values.map((value) => ({
    topic,
    partition: 0,
    key: Buffer.from(key),
    ...(value !== null && { value: Buffer.from(value) }),
  }));
  await producer.send({ messages });
};

describe("X12: a broker's own word on a partition's tip", () => {
  test("of records", async () => {
    const topic = await topicWith(1);
    const partitions = partitionsOf(topic);
    expect(await partitions.isAtTip(`${topic}-0`, "")).toBe(true);
    await put(topic, ["a", "b"]);
    expect(await partitions.isAtTip(`${topic}-0`, "")).toBe(false);
    expect(await partitions.isAtTip(`${topic}-0`, "0")).toBe(false);
    expect(await partitions.isAtTip(`${topic}-0`, "1")).toBe(true);
  });

  test("of transactions: markers are no records; what was aborted is one", async () => {
    const topic = await topicWith(1);
    const partitions = partitionsOf(topic);
    const transactional = new Producer({ ...connection, idempotent: true, acks: -1, transactionalId: `tx-${topic}` });
    const transact = async (isCommitted: boolean) => {
      const transaction = await transactional.beginTransaction();
      await transaction.send({ messages: [{ topic, partition: 0, value: Buffer.from("x") }] });
      await (isCommitted ? transaction.commit() : transaction.abort());
    };
    try {
      await transact(true); // 0 and its marker, 1
      await expect.poll(() => partitions.isAtTip(`${topic}-0`, "0")).toBe(true);
      await transact(false); // 2 and its marker, 3
      expect(await partitions.isAtTip(`${topic}-0`, "0")).toBe(false);
      expect(await partitions.isAtTip(`${topic}-0`, "2")).toBe(true);
    } finally {
      await transactional.close();
    }
  });
});

describe("X6: a broker's own word on what is not there any more", () => {
  test("records that were deleted are lost to who has not folded them", async () => {
    const topic = await topicWith(1);
    const partitions = partitionsOf(topic);
    await put(topic, ["a", "b", "c", "d", "e"]);
    expect(await partitions.lostAfter(`${topic}-0`, "0", "2")).toBeUndefined();
    await admin.deleteRecords({
      topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }],
      timeout: 5_000,
    } as never);
    expect(await partitions.lostAfter(`${topic}-0`, "0", "3")).toEqual({ from: "1", to: "2" });
    expect(await partitions.lostAfter(`${topic}-0`, "0")).toEqual({ from: "1", to: "2" });
    expect(await partitions.lostAfter(`${topic}-0`, "2", "3")).toBeUndefined();
    expect(await partitions.isAtTip(`${topic}-0`, "0")).toBe(false);
  });

  test("a topic that was made anew is known by its end, by a client that knew the one before", async () => {
    const topic = await topicWith(1);
    const partitions = partitionsOf(topic);
    await put(topic, ["a", "b", "c"]);
    expect(await partitions.isAtTip(`${topic}-0`, "2")).toBe(true);
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(() => admin.listTopics()).not.toContain(topic);
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    // A question that goes to the topic before may fail, and is asked again.
    await expect
      .poll(() => partitions.isAtTip(`${topic}-0`, "2").catch((error: { code: string }) => error.code), {
        timeout: 10_000,
      })
      .toBe("source/recreated");
  });
});

test("partitions that were added are listed", async () => {
  const topic = await topicWith(2);
  const partitions = partitionsOf(topic);
  expect((await partitions.list()).map(({ id }) => id)).toEqual([`${topic}-0`, `${topic}-1`]);
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: [{ brokerIds: [1] }] }] });
  await expect.poll(async () => (await partitions.list()).length).toBe(3);
});

test("a topic that there is not is an error that comes again", async () => {
  await expect(partitionsOf("none").list()).rejects.toMatchObject({ kind: "infrastructure", code: "kafka/partitions" });
});

test("a key is where a producer that partitions as Java's does puts it", async () => {
  const topic = await topicWith(7);
  const keys = [
    "a",
    "ORD",
    "with space",
    "é",
    "日本",
    "a-little-bit-longer-string",
    ...Array.from({ length: 50 }, String),
  ];
  const consumer = new Consumer({ ...connection, groupId: "keys" });
  const partitioner = compatibilityPartitioner;
  await producer.send({
    partitioner,
    messages: keys.map((key) => ({ topic, key: Buffer.from(key), value: Buffer.from(key) })),
  });
  const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: true });
  let found = 0;
  for await (const { key, partition } of stream) {
    expect(partition).toBe(partitionOf(key.toString(), 7));
    if (++found === keys.length) break;
  }
  await consumer.close();
});

describe("logins, whose secrets are asked for at run time", () => {
  const secrets = new Map<string, string>();
  let server: Server;
  let own: Services;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const { SecretId } = JSON.parse(body) as { readonly SecretId: string };
        response.setHeader("content-type", "application/x-amz-json-1.1");
        response.end(JSON.stringify({ ARN: SecretId, SecretString: secrets.get(SecretId) }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = new SecretsManagerClient({
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    own = { ...services, aws: { of: () => client as never } };
    secrets.set("authority", JSON.stringify({ certificate: inject("authority") }));
  });
  afterAll(() => void server.close());

  const address = (auth: string): Address => ({
    auth,
    bootstrapServers: inject("saslServers"),
    secretArn: "login",
    rootCaArn: "authority",
  });

  test.each(["scram", "plain"])("by %s, over TLS", async (auth) => {
    const topic = await topicWith(2);
    secrets.set("login", JSON.stringify({ username: "ann", password: USERS.ann }));
    expect(await partitionsOf(topic, address(auth), own).list()).toHaveLength(2);
  });

  describe.skipIf(inject("client") === null)("by a certificate", () => {
    const client = inject("client")!;
    const byCertificate: Address = { ...address("mtls"), bootstrapServers: inject("tlsServers") };
    const { certificate, privateKey, lockedKey, password } = client ?? {};

    test.each([
      ["whose key is in clear", { certificate, privateKey }],
      ["whose key wants a password", { certificate, privateKey: lockedKey, privateKeyPassword: password }],
    ])("%s", async (_, login) => {
      const topic = await topicWith(2);
      secrets.set("login", JSON.stringify(login));
      expect(await partitionsOf(topic, byCertificate, own).list()).toHaveLength(2);
    });

    test("nobody comes in without one, or with a key that its password does not open", async () => {
      const topic = await topicWith(2);
      const { secretArn: _, ...anonymous } = byCertificate;
      const without = partitionsOf(topic, { ...anonymous, auth: "none", tls: "true" }, own);
      await expect(without.list()).rejects.toMatchObject({ kind: "infrastructure" });
      secrets.set("login", JSON.stringify({ certificate, privateKey: lockedKey, privateKeyPassword: "wrong" }));
      await expect(partitionsOf(topic, byCertificate, own).list()).rejects.toThrow();
    });
  });

  test("that are wrong fail, and are asked for anew: a password that was changed is taken", async () => {
    const topic = await topicWith(2);
    secrets.set("login", JSON.stringify({ username: "ann", password: "wrong" }));
    const partitions = partitionsOf(topic, address("scram"), own);
    await expect(partitions.list()).rejects.toMatchObject({ kind: "infrastructure" });
    secrets.set("login", JSON.stringify({ username: "ann", password: USERS.ann }));
    expect(await partitions.list()).toHaveLength(2);
  });

  test("that are no logins are named, and never shown", async () => {
    secrets.set("login", '{"user": "ann", "password": "correct horse"}');
    const failed = await partitionsOf("any", address("scram"), own)
      .list()
      .catch((error: unknown) => error as Error);
    expect(failed).toMatchObject({ kind: "systemic", code: "kafka/secret" });
    expect(String((failed as Error).message)).not.toContain("horse");
  });
});
