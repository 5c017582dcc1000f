import type { BaseOptions, ProduceResult, Producer } from "@platformatic/kafka";
import { infrastructureError, MillraceError } from "../../errors.ts";
import type { Address } from "../../plan/bindings.ts";
import { isOutOfTime } from "../../runtime/retries.ts";
import { InterruptedDelivery, type Delivery, type Refusal, type SinkWriter } from "../../runtime/sink-writer.ts";
import { reasonsOf } from "../kafka/client.ts";
import { positiveHash } from "../kafka/murmur2.ts";
import { connectionTo } from "../kafka/connection.ts";
import { OUTPUT_ID, partsOf } from "../row.ts";
import { fieldOf, type Services } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";

/** Of one request: below what brokers take for a partition, whatever partitions its records are on. */
const REQUEST_BYTES = 512 * 1_024;
const REQUEST_RECORDS = 500;

/** Half of what the client can write of a distance in time: from the first of a run to any, and between any two. */
const NEAR_MILLIS = 2n ** 30n;

/** ListOffsets' own word (Kafka's protocol guide). */
const LATEST = -1n;

/** Every replica in sync has it. */
const ALL_REPLICAS = -1;

/** Delivers to a topic. Its address has `topic`, and what {@link connectionTo} wants. */
export const kafkaTopicWriter: MakeWriter = (sink, address, services) => {
  const topic = fieldOf(address, "topic", `The topic "${sink.name}"`);
  return new TopicWriter(address, services, topic, {
    messagesOf: async (deliveries) => deliveries.map((delivery) => messageOf(topic, delivery)),
  });
};

/** A record as the client takes it. */
export interface TopicMessage {
  readonly topic: string;
  readonly key?: Buffer;
  readonly value?: Buffer;
  readonly headers: Map<Buffer, Buffer>;
  readonly partition?: number;
  readonly timestamp?: bigint;
}

/** What is particular to the records of a topic. */
export interface TopicFace {
  /** The records of deliveries, one each. @param partitions asks how many the topic has */
  messagesOf(deliveries: readonly Delivery[], partitions: () => Promise<number>): Promise<readonly TopicMessage[]>;
}

/** Told of requests that were taken. @param result says the first offset of each partition */
export type Taken = (messages: readonly TopicMessage[], result: ProduceResult) => void;

/**
 * An idempotent producer: a request that it sends again is written once, and none overtakes another. What a process that
 * ends has sent and not marked is sent again by the next one, which is another producer: readers tell it by its id (X8).
 */
export class TopicWriter implements SinkWriter {
  readonly #address: Address;
  readonly #services: Services;
  readonly #topic: string;
  readonly #face: TopicFace;
  #producer: Promise<Producer> | undefined;
  /** The request that is under way. The client numbers a request by what was answered: of two at once brokers would drop one as a repeat. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(address: Address, services: Services, topic: string, face: TopicFace) {
    this.#address = address;
    this.#services = services;
    this.#topic = topic;
    this.#face = face;
  }

  /** @throws an {@link InterruptedDelivery} saying how many were taken or refused */
  async deliver(deliveries: readonly Delivery[], taken?: Taken): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    const waiting = requests(deliveries).reverse();
    let done = 0;
    for (let request = waiting.pop(); request !== undefined; request = waiting.pop()) {
      const some = request;
      try {
        // The first is sent in any case: each turn gets something done.
        if (done > 0 && isOutOfTime(this.#services.wait)) throw new Error("the invocation's time is over");
        await this.#inTurn(() => this.#send(some, taken));
      } catch (cause) {
        if (!isRefused(cause)) throw new InterruptedDelivery(done, failed(this.#topic, cause), refusals);
        if (some.length > 1) {
          // Which of them it is, brokers do not say of all that they refuse.
          const half = Math.ceil(some.length / 2);
          waiting.push(some.slice(half), some.slice(0, half));
          continue;
        }
        refusals.push({ delivery: some[0]!, message: `Topic ${this.#topic}: ${reasonsOf(cause)}` });
      }
      done += some.length;
    }
    return refusals;
  }

  /** How far each partition is: the offset after its last record. @throws infrastructure error `kafka/produce` */
  async ends(): Promise<ReadonlyMap<number, bigint>> {
    try {
      return await endsOf(this.#topic, await connectionTo(this.#address, this.#services));
    } catch (cause) {
      throw failed(this.#topic, cause);
    }
  }

  /** One request after the other, whichever tasks they are of. A producer that failed is followed by another before the next. */
  #inTurn<T>(request: () => Promise<T>): Promise<T> {
    const run = this.#underWay.then(request).catch((cause: unknown) => {
      this.#forget();
      throw cause;
    });
    this.#underWay = run.catch(() => undefined);
    return run;
  }

  async #send(request: readonly Delivery[], taken: Taken | undefined): Promise<void> {
    this.#producer ??= connectionTo(this.#address, this.#services).then(producerOf);
    const producer = await this.#producer;
    const messages = await this.#face.messagesOf(request, () => partitionsOf(producer, this.#topic));
    for (const some of ofNearTimes(messages)) {
      const result = await producer.send({ messages: [...some] }); // not as an argument of what nobody may ask to be told
      taken?.(some, result);
    }
  }

  #forget(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    producer?.then((made) => made.close(true)).catch(() => undefined);
  }
}

/**
 * Messages in their order, in runs whose timestamps lie within three weeks of the first: the client (1.35) writes a
 * timestamp as a distance from its batch's first, and one of 2^31 ms or more wrongly.
 */
function ofNearTimes(messages: readonly TopicMessage[]): readonly (readonly TopicMessage[])[] {
  const runs: TopicMessage[][] = [];
  let first: bigint | undefined;
  for (const message of messages) {
    const { timestamp } = message;
    const isNear = timestamp === undefined || (first !== undefined && distance(timestamp, first) < NEAR_MILLIS);
    if (runs.length === 0 || !isNear) {
      runs.push([]);
      first = timestamp;
    }
    runs.at(-1)!.push(message);
  }
  return runs;
}

const distance = (a: bigint, b: bigint): bigint => (a < b ? b - a : a - b);

async function partitionsOf(producer: Producer, name: string): Promise<number> {
  const { topics } = await producer.metadata({ topics: [name] });
  const topic = topics.get(name);
  if (topic === undefined) throw new Error("there is no such topic");
  return topic.partitionsCount;
}

/** Asked once in a task's life: no client is kept for it. */
async function endsOf(topic: string, options: BaseOptions): Promise<ReadonlyMap<number, bigint>> {
  const { Consumer } = await import("@platformatic/kafka");
  const consumer = new Consumer({ ...options, groupId: "millrace" });
  try {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp: LATEST });
    return new Map((offsets.get(topic) ?? []).map((offset, partition) => [partition, offset]));
  } finally {
    await consumer.close();
  }
}

async function producerOf(options: BaseOptions): Promise<Producer> {
  const { Producer } = await import("@platformatic/kafka");
  let turn = 0;
  const producer = new Producer({
    ...options,
    idempotent: true,
    acks: ALL_REPLICAS,
    // The client's own takes the hash for unsigned, which Java's does not.
    partitioner: (_message, key) => (key === undefined ? turn++ : positiveHash(key)),
  });
  producer.on("client:broker:failed", () => undefined); // the request that it failed says so
  return producer;
}

function messageOf(topic: string, { id, body }: Delivery): TopicMessage {
  const { head, row } = partsOf(body);
  const { key } = head;
  return {
    topic,
    value: Buffer.from(row),
    headers: new Map([[Buffer.from(OUTPUT_ID), Buffer.from(id)]]),
    ...(key !== undefined && { key: Buffer.from(key) }),
  };
}

/** Deliveries in their order, as many a request as it may have. */
function requests(deliveries: readonly Delivery[]): Delivery[][] {
  const all: Delivery[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const delivery of deliveries) {
    const size = Buffer.byteLength(delivery.body) + delivery.id.length + 100;
    if (bytes + size > REQUEST_BYTES || all.at(-1)!.length === REQUEST_RECORDS) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)!.push(delivery);
    bytes += size;
  }
  return all;
}

/**
 * Kafka's own names of what it will never take: for its size, for a key that a compacted topic wants, for a timestamp that lies
 * outside of what the topic allows (`message.timestamp.after.max.ms`, an hour unless it is told otherwise).
 */
const REFUSED: ReadonlySet<unknown> = new Set([
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
]);

const isRefused = (thrown: unknown): boolean =>
  REFUSED.has((thrown as { readonly apiId?: unknown } | undefined)?.apiId) ||
  (thrown instanceof AggregateError && thrown.errors.some(isRefused));

/** What is wrong with the deployment stays that (X10). */
const failed = (topic: string, cause: unknown): MillraceError =>
  cause instanceof MillraceError
    ? cause
    : infrastructureError({
        code: "kafka/produce",
        message: `Topic ${topic} could not be written: ${reasonsOf(cause)}`,
        cause,
      });
