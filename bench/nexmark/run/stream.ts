import type { IncomingRecord } from "../../../lib/runtime/record.ts";
import type { SourcePartitions } from "../../../lib/runtime/source-partitions.ts";
import { hashOf, type HashRange } from "../../../lib/state/hash-range.ts";
import type { Partition } from "../../../lib/state/partition.ts";

/** So many records before the next one are kept, for mappings that give some of them again. */
const KEPT = 2_000;

/** A shard, and how far its mapping has read it. */
export class Shard implements Partition {
  readonly id: string;
  readonly parents = [];
  readonly range: HashRange;
  #records: IncomingRecord[] = [];
  /** How many records before these were forgotten. */
  #forgotten = 0;
  #read = 0;

  constructor(id: string, range: HashRange) {
    this.id = id;
    this.range = range;
  }

  add(record: IncomingRecord): void {
    this.#records.push(record);
  }

  get unread(): number {
    return this.#forgotten + this.#records.length - this.#read;
  }

  /** The next records, after some that were read before. */
  batch(size: number, again: number): readonly IncomingRecord[] {
    const from = Math.max(this.#read - this.#forgotten - again, 0);
    return this.#records.slice(from, from + size);
  }

  /** The mapping goes on after a batch. */
  advance(batch: readonly IncomingRecord[]): void {
    const last = this.#records.indexOf(batch.at(-1)!);
    this.#read = Math.max(this.#read, this.#forgotten + last + 1);
    const surplus = this.#read - this.#forgotten - KEPT;
    if (surplus < KEPT) return;
    this.#records = this.#records.slice(surplus);
    this.#forgotten += surplus;
  }
}

/** A stream as Kinesis has them: records go to shards by the MD5 of their partition key, each shard keeps their order. */
export class ShardedStream {
  readonly name: string;
  readonly shards: readonly Shard[];
  #sequence = 0;

  constructor(name: string, shards: number) {
    this.name = name;
    const bound = (i: number) => (2n ** 128n * BigInt(i)) / BigInt(shards);
    const digits = (value: bigint) => value.toString(16).padStart(32, "0");
    this.shards = Array.from(
      { length: shards },
      (_, i) =>
        new Shard(`shardId-${String(i).padStart(12, "0")}`, { from: digits(bound(i)), to: digits(bound(i + 1) - 1n) }),
    );
  }

  /** @param arrival epoch milliseconds */
  put(partitionKey: string, payload: Buffer | string, arrival: number): void {
    const hash = hashOf(partitionKey);
    const shard = this.shards.find(({ range }) => hash <= range.to)!;
    shard.add({
      position: { sequence: String(++this.#sequence), index: 0 },
      arrival,
      partitionKey,
      base64: Buffer.from(payload).toString("base64"),
    });
  }

  get unread(): number {
    return this.shards.reduce((sum, { unread }) => sum + unread, 0);
  }

  get partitions(): SourcePartitions {
    return {
      list: async () => this.shards,
      isAtTip: async (partition) => this.shards.find(({ id }) => id === partition)!.unread === 0,
    };
  }
}
