import type { BaseOptions, ClusterMetadata, Consumer } from "@platformatic/kafka";
import { infrastructureError, messageOf, MillraceError, systemicError } from "../../errors.ts";
import type { Address } from "../../plan/bindings.ts";
import { fieldOf, type Services } from "../services.ts";
import { connectionTo } from "./connection.ts";

/** A run of offsets as the log has it. */
export interface OffsetBatch {
  /** The offset after the last that it stands for. */
  readonly next: bigint;
  /** The offsets of records that a consumer is given: none of a transaction's markers, none that compaction took. */
  readonly records: readonly bigint[];
}

/** What a topic is asked. Raises infrastructure errors for what the brokers cannot do now. */
export interface Topic {
  /** How many partitions there are. @param fresh whether what was heard a minute ago at most will not do */
  partitions(fresh: boolean): Promise<number>;
  /** The least offset that is kept, and the one that the next record will get, as far as it is replicated. */
  bounds(partition: number): Promise<{ readonly earliest: bigint; readonly latest: bigint }>;
  /** What lies from an offset on, as much as one answer has; nothing at the log's end. */
  read(partition: number, offset: bigint): Promise<readonly OffsetBatch[]>;
}

/** ListOffsets' own words (Kafka's protocol guide). */
const LATEST = -1n;
const EARLIEST = -2n;

/** Attribute of a batch that holds a transaction's marker, and no record. */
const CONTROL = 0b10_0000;

/** Lambda's documentation names no isolation level, and Kafka's default is to read what is not committed too. */
const READ_UNCOMMITTED = 0;

/** Enough to see whether there is a record. */
const READ_BYTES = 64 * 1_024;

/** A topic, asked through one client for as long as that works. */
export class TopicClient implements Topic {
  readonly #address: Address;
  readonly #services: Services;
  readonly #topic: string;
  #consumer: Promise<Consumer> | undefined;

  constructor(address: Address, services: Services) {
    this.#address = address;
    this.#services = services;
    this.#topic = fieldOf(address, "topic", "The Kafka source");
  }

  async partitions(fresh: boolean): Promise<number> {
    return (await this.#ask("partitions", (consumer) => this.#metadata(consumer, fresh))).partitionsCount;
  }

  bounds(partition: number): Promise<{ readonly earliest: bigint; readonly latest: bigint }> {
    return this.#ask("offsets", async (consumer) => {
      const at = async (timestamp: bigint) => {
        const topics = [this.#topic];
        const partitions = { [this.#topic]: [partition] };
        const answer = await consumer.listOffsets({ topics, partitions, timestamp, isolationLevel: READ_UNCOMMITTED });
        const offset = answer.get(this.#topic)?.[partition];
        if (offset === undefined) throw new Error(`there is no partition ${partition}`);
        return offset;
      };
      // The end first: what is deleted meanwhile makes nothing seem to lie beyond it.
      const latest = await at(LATEST);
      return { latest, earliest: await at(EARLIEST) };
    });
  }

  read(partition: number, offset: bigint): Promise<readonly OffsetBatch[]> {
    return this.#ask("read", async (consumer) => {
      const { id, partitions } = await this.#metadata(consumer, false);
      const node = partitions[partition]?.leader;
      if (node === undefined) throw new Error(`there is no partition ${partition}`);
      const from = { partition, currentLeaderEpoch: -1, fetchOffset: offset, lastFetchedEpoch: -1 };
      const topics = [{ topicId: id, partitions: [{ ...from, partitionMaxBytes: READ_BYTES }] }];
      const answer = await consumer.fetch({
        node,
        topics,
        minBytes: 0,
        maxWaitTime: 1,
        isolationLevel: READ_UNCOMMITTED,
      });
      const batches = answer.responses[0]?.partitions[0]?.records ?? [];
      return batches.map(({ firstOffset, lastOffsetDelta, attributes, records }) => ({
        next: firstOffset + BigInt(lastOffsetDelta) + 1n,
        records:
          (attributes & CONTROL) === 0 ? records.map(({ offsetDelta }) => firstOffset + BigInt(offsetDelta)) : [],
      }));
    });
  }

  async #metadata(consumer: Consumer, fresh: boolean) {
    const metadata: ClusterMetadata = await consumer.metadata({ topics: [this.#topic], forceUpdate: fresh });
    const topic = metadata.topics.get(this.#topic);
    if (topic === undefined) throw new Error("there is no such topic");
    return topic;
  }

  /** A client that failed is given up: the next one asks for brokers and secrets anew, which may have changed. */
  async #ask<T>(what: string, question: (consumer: Consumer) => Promise<T>): Promise<T> {
    try {
      this.#consumer ??= connectionTo(this.#address, this.#services).then(asker);
      return await question(await this.#consumer);
    } catch (cause) {
      this.#forget();
      if (cause instanceof MillraceError) throw cause;
      throw infrastructureError({
        code: `kafka/${what}`,
        message: `Topic ${this.#topic}: its ${what} could not be asked for: ${reasonsOf(cause)}`,
        cause,
      });
    }
  }

  #forget(): void {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    consumer?.then((made) => made.close(true)).catch(() => undefined);
  }
}

/** A consumer that joins no group: it is asked, and consumes nothing. */
const asker = async (options: BaseOptions): Promise<Consumer> => {
  const { Consumer } = await import("@platformatic/kafka"); // a function that gets nothing but records does without
  const consumer = new Consumer({ ...options, groupId: "millrace" });
  consumer.on("client:broker:failed", () => undefined); // the request that it failed says so
  return consumer;
};

/** What a client's error says: several attempts' reasons are beneath the first, and beside it what the broker says itself. */
export function reasonsOf(thrown: unknown): string {
  const inner = thrown instanceof AggregateError ? thrown.errors.map(reasonsOf) : [];
  const { serverErrorMessage: said } = thrown as { readonly serverErrorMessage?: unknown };
  const own = typeof said === "string" ? [said] : [];
  return [messageOf(thrown), ...own, ...new Set(inner)].join(" ").slice(0, 1_000);
}

/** A topic whose offsets begin again: X6 at the broker. */
export const beginsAgain = (topic: string, partition: string, position: string, latest: bigint) =>
  systemicError({
    code: "source/recreated",
    message: `${partition} of topic ${topic} ends before offset ${latest}, and records up to ${position} were folded: the topic was made anew.`,
    advice: "Raise the source's incarnation (docs/kafka.md), so that its tasks begin anew.",
  });
