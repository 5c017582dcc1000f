import { Admin, Consumer, Producer } from "@platformatic/kafka";
import { kafkaTopic } from "millrace";
import { afterAll, beforeAll, inject, vi } from "vitest";
import { sinkWriter } from "../../lib/connectors/sink-connectors.ts";
import type { Services } from "../../lib/connectors/services.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { FAIR, sinkContract, type SinkUnderTest, type Weather } from "../connectors/sink-contract.ts";
import { came, SHAPE } from "../connectors/systems.ts";

const connection = { clientId: "test", bootstrapBrokers: [inject("bootstrapServers")], autocreateTopics: false };
const topic = `rows-under-test-${process.pid}`;
const PARTITIONS = 3;

/** What the requests of all producers meet. */
let weather: Weather = FAIR;

interface Came {
  readonly id: string;
  readonly lane: string;
}

/** What has come since it was last asked for, partition by partition in their orders. */
class TopicReader {
  readonly #consumer = new Consumer({ ...connection, groupId: `read-${topic}` });
  readonly #next = new Map<number, bigint>();
  #waiting: (() => void) | undefined;
  #found: (readonly [partition: number, came: Came])[] = [];

  async open(): Promise<void> {
    const stream = await this.#consumer.consume({ topics: [topic], mode: "earliest" });
    stream.on("data", ({ headers, partition, offset, value }) => {
      const [[, id] = []] = [...headers];
      this.#found.push([partition, came(id!.toString(), value.toString())]);
      this.#next.set(partition, offset + 1n);
      this.#waiting?.();
    });
  }

  async received(): Promise<readonly Came[]> {
    const ends = (await this.#consumer.listOffsets({ topics: [topic] })).get(topic)!;
    const isThere = () => ends.every((end, partition) => (this.#next.get(partition) ?? 0n) >= end);
    while (!isThere()) await new Promise<void>((resolve) => (this.#waiting = resolve));
    const found = this.#found.toSorted(([a], [b]) => a - b); // stable
    this.#found = [];
    return found.map(([, one]) => one);
  }

  close(): Promise<void> {
    return this.#consumer.close(true) as unknown as Promise<void>;
  }
}

let reader: TopicReader;
beforeAll(async () => {
  const admin = new Admin(connection);
  await admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: 1 });
  await admin.close();
  reader = new TopicReader();
  await reader.open();
  const { send } = Producer.prototype;
  vi.spyOn(Producer.prototype, "send").mockImplementation(async function (this: Producer, ...args) {
    const ids = args[0].messages.map(({ headers }) => [...(headers as Map<Buffer, Buffer>).values()][0]!.toString());
    const fails = weather.fails(ids);
    // Of a request all is taken, or nothing.
    if (fails === "before" || weather.leaves(ids)) throw new Error("The broker is not there.");
    const answer = await send.apply(this, args as never);
    if (fails === "after") throw new Error("The answer was lost.");
    return answer;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await reader.close();
});

const services: Services = {
  aws: {
    of: () => {
      throw new Error("nothing of AWS is asked");
    },
  },
  now: Date.now,
  wait: () => Promise.resolve(),
};

const underTest = (key?: (row: { readonly lane: string }) => string): SinkUnderTest => {
  const sink = kafkaTopic("rows", SHAPE, { topic, ...(key && { key }) });
  const address = { auth: "none", bootstrapServers: inject("bootstrapServers"), topic };
  const writer = sinkWriter(sink, address, services);
  return {
    sink,
    bodyOf: (n, lane) => sink.encode({ n, lane, pad: "" } as never),
    writer: (of) => {
      weather = of;
      return { deliver: async (deliveries: readonly Delivery[]) => (await writer).deliver(deliveries) };
    },
    received: () => reader.received(),
    keepsOrder: key !== undefined,
    dropsRepeats: false,
    failsTogether: true,
    // Larger than brokers take a record, unless they are told otherwise.
    refusedBody: sink.encode({ n: 1, lane: "lane 3", pad: "x".repeat(1_200_000) } as never),
  };
};

sinkContract("kafka topic", () => underTest());
sinkContract("kafka topic with a key", () => underTest(({ lane }) => lane));
