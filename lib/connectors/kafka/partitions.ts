import { infrastructureError, systemicError } from "../../errors.ts";
import type { Loss, SourcePartitions } from "../../runtime/source-partitions.ts";
import { WHOLE_RANGE } from "../../state/hash-range.ts";
import type { Partition } from "../../state/partition.ts";
import { beginsAgain, type Topic } from "./client.ts";
import { partitionName, partitionNumber } from "./names.ts";

/** Reads before a partition counts as not read to its tip: of markers and of what compaction left, without a record. */
const MAX_READS = 20;

/** The partitions of a topic. They are never split: none has parents, and each may have every key. */
export class KafkaPartitions implements SourcePartitions {
  readonly #topic: Topic;
  readonly #name: string;
  /** How many there must be; undefined where it does not matter. */
  readonly #declared: number | undefined;

  constructor(topic: Topic, name: string, declared: number | undefined) {
    this.#topic = topic;
    this.#name = name;
    this.#declared = declared;
  }

  /** @throws infrastructure error `kafka/partitions`; systemic error `kafka/partitions-changed` */
  list(): Promise<readonly Partition[]> {
    return this.#list(true);
  }

  /** @throws as {@link KafkaPartitions.list} does */
  added(): Promise<readonly Partition[]> {
    return this.#list(false);
  }

  /**
   * Whether nothing that a consumer is given lies after a position. The end of the log alone does not say so: markers of
   * transactions have offsets, and compaction leaves gaps.
   *
   * @throws infrastructure errors `kafka/offsets`, `kafka/read`; systemic error `source/recreated`
   */
  async isAtTip(partition: string, sequence: string): Promise<boolean> {
    const { next, earliest, latest } = await this.#bounds(partition, sequence);
    let from = next > earliest ? next : earliest;
    for (let read = 0; read < MAX_READS; read++) {
      if (from >= latest) return true;
      const batches = await this.#topic.read(partitionNumber(partition), from);
      if (batches.some(({ records }) => records.some((offset) => offset >= from))) return false;
      const end = batches.at(-1)?.next ?? from;
      if (end <= from) {
        throw infrastructureError({
          code: "kafka/read",
          message: `${partition}: offsets from ${from} to ${latest} could not be read.`,
        });
      }
      from = end;
    }
    return false;
  }

  /** @throws infrastructure error `kafka/offsets`; systemic error `source/recreated` */
  async lostAfter(partition: string, sequence: string, before?: string): Promise<Loss | undefined> {
    if (sequence === "") return undefined; // what was gone before the pipeline began is none of it
    if (before !== undefined && BigInt(before) === BigInt(sequence) + 1n) return undefined;
    const { next, earliest } = await this.#bounds(partition, sequence);
    const end = before === undefined || earliest < BigInt(before) ? earliest : BigInt(before);
    return end > next ? { from: next.toString(), to: (end - 1n).toString() } : undefined;
  }

  async #bounds(partition: string, sequence: string) {
    const bounds = await this.#topic.bounds(partitionNumber(partition));
    const next = sequence === "" ? 0n : BigInt(sequence) + 1n;
    if (next > bounds.latest) throw beginsAgain(this.#name, partition, sequence, bounds.latest);
    return { ...bounds, next };
  }

  async #list(fresh: boolean): Promise<readonly Partition[]> {
    const count = await this.#topic.partitions(fresh);
    const declared = this.#declared;
    if (declared !== undefined && count !== declared) {
      throw systemicError({
        code: "kafka/partitions-changed",
        message: `Topic ${this.#name} has ${count} partitions, and its source declares ${declared}: keys have moved, and their state has not.`,
        advice:
          "Begin anew with a new topic and a raised incarnation, or leave out `key` and use keyBy (docs/kafka.md).",
      });
    }
    return Array.from({ length: count }, (_, i) => ({
      id: partitionName(this.#name, i),
      parents: [],
      range: WHOLE_RANGE,
    }));
  }
}
