import type { IncomingRecord } from "../runtime/record.ts";
import type { InternalRecord, InternalStream } from "../runtime/shuffle/internal-stream.ts";
import type { SourcePartitions } from "../runtime/source-partitions.ts";
import { hashOf, isWithin, type HashRange } from "../state/hash-range.ts";
import type { Partition } from "../state/partition.ts";
import { compareSequences } from "../state/position.ts";

/** A shard of a {@link MemoryStream}. */
export interface MemoryShard extends Partition {
  readonly records: IncomingRecord[];
  isOpen: boolean;
}

const SPAN = 2n ** 128n;
const digits = (number: bigint): string => number.toString(16).padStart(32, "0");
const numberOf = (hash: string): bigint => BigInt(`0x${hash}`);

/** A stream in memory that takes, orders and partitions records as Kinesis does: a source's, or one between stages. */
export class MemoryStream implements SourcePartitions, InternalStream {
  readonly shards: MemoryShard[] = [];
  readonly #now: () => number;
  #sequence = 0;

  /** @param now epoch milliseconds: when records arrive */
  constructor(shards: number, now: () => number) {
    this.#now = now;
    for (let i = 0n; i < shards; i++) {
      const from = (i * SPAN) / BigInt(shards);
      this.#add([], { from: digits(from), to: digits(((i + 1n) * SPAN) / BigInt(shards) - 1n) });
    }
  }

  async put(records: readonly InternalRecord[]): Promise<readonly string[]> {
    return records.map((record) => this.take(record).id);
  }

  /** Takes one record. @returns its shard */
  take({ partitionKey, hash, text }: InternalRecord): MemoryShard {
    return this.takeBytes(partitionKey, Buffer.from(text), hash);
  }

  /** Takes one record, whatever it holds. @returns its shard */
  takeBytes(partitionKey: string, bytes: Buffer, hash?: string): MemoryShard {
    const shard = this.#shardOf(partitionKey, hash);
    const position = { sequence: String(++this.#sequence), index: 0 };
    shard.records.push({ position, arrival: this.#now(), partitionKey, base64: bytes.toString("base64") });
    return shard;
  }

  async open(): Promise<readonly Partition[]> {
    return this.shards.filter(({ isOpen }) => isOpen);
  }

  async list(): Promise<readonly Partition[]> {
    return this.shards;
  }

  async isAtTip(partition: string, sequence: string): Promise<boolean> {
    const last = this.shards.find(({ id }) => id === partition)!.records.at(-1);
    return last === undefined || compareSequences(last.position.sequence, sequence) <= 0;
  }

  /** Splits an open shard in the middle. */
  split(shard: MemoryShard): void {
    shard.isOpen = false;
    const { from, to } = shard.range;
    const middle = (numberOf(from) + numberOf(to)) / 2n;
    this.#add([shard.id], { from, to: digits(middle) });
    this.#add([shard.id], { from: digits(middle + 1n), to });
  }

  /** Merges two open shards whose ranges are beside each other, the lower one first. */
  merge(low: MemoryShard, high: MemoryShard): void {
    low.isOpen = false;
    high.isOpen = false;
    this.#add([low.id, high.id], { from: low.range.from, to: high.range.to });
  }

  #shardOf(partitionKey: string, hash?: string): MemoryShard {
    const [only] = this.shards;
    if (this.shards.length === 1 && only!.isOpen) return only!; // it has them all
    const place = hash ?? hashOf(partitionKey);
    return this.shards.find(({ isOpen, range }) => isOpen && isWithin(range, place))!;
  }

  #add(parents: readonly string[], range: HashRange): void {
    const id = `shardId-${String(this.shards.length).padStart(12, "0")}`;
    this.shards.push({ id, parents, range, records: [], isOpen: true });
  }
}
