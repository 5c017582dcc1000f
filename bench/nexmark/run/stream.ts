import type { IncomingRecord } from "../../../lib/runtime/record.ts";
import type { SourcePartitions } from "../../../lib/runtime/source-partitions.ts";
import { hashOf, isWithin, WHOLE_RANGE, type HashRange } from "../../../lib/state/hash-range.ts";
import type { Partition } from "../../../lib/state/partition.ts";
import { compareSequences } from "../../../lib/state/position.ts";

/** So many records before the next one are kept, for mappings that give some of them again. */
const KEPT = 2_000;

/** A shard, and how far its mapping has read it. */
export class Shard {
  readonly id: string;
  readonly parents: readonly Shard[];
  readonly range: HashRange;
  isOpen = true;
  #records: IncomingRecord[] = [];
  /** How many records before these were forgotten. */
  #forgotten = 0;
  #read = 0;

  constructor(id: string, parents: readonly Shard[], range: HashRange) {
    this.id = id;
    this.parents = parents;
    this.range = range;
  }

  add(record: IncomingRecord): void {
    this.#records.push(record);
  }

  get unread(): number {
    return this.#forgotten + this.#records.length - this.#read;
  }

  /** Whether its mapping gives records now: a shard comes after those that it replaces. */
  get isDue(): boolean {
    return this.unread > 0 && this.parents.every(({ unread }) => unread === 0);
  }

  /** Whether it holds nothing after a position. */
  isAtTip(sequence: string): boolean {
    const last = this.#records.at(-1);
    return last === undefined || compareSequences(last.position.sequence, sequence) <= 0;
  }

  /** The next records, after some that were read before. */
  batch(size: number, again: number): readonly IncomingRecord[] {
    const from = Math.max(this.#read - this.#forgotten - again, 0);
    return this.#records.slice(from, this.#read - this.#forgotten + size);
  }

  /** The mapping goes on after a batch. */
  advance(batch: readonly IncomingRecord[]): void {
    const last = this.#records.lastIndexOf(batch.at(-1)!);
    this.#read = Math.max(this.#read, this.#forgotten + last + 1);
    const surplus = this.#read - this.#forgotten - KEPT;
    if (surplus < KEPT) return;
    this.#records = this.#records.slice(surplus);
    this.#forgotten += surplus;
  }
}

/** How much a stream took. */
export interface Volume {
  readonly records: number;
  readonly bytes: number;
  /** PUT payload units, by which Kinesis bills: 25 KB or a part of it, of each record. */
  readonly units: number;
}

/** Bytes. "Amazon Kinesis Data Streams pricing": a record's data and its partition key. */
const PUT_UNIT = 25 * 1_024;

/** A stream as Kinesis has them: records go to shards by the MD5 of their partition key, each shard keeps their order. */
export class ShardedStream implements SourcePartitions {
  readonly name: string;
  readonly shards: Shard[] = [];
  #sequence = 0;
  #bytes = 0;
  #units = 0;

  constructor(name: string, shards: number) {
    this.name = name;
    const bound = (i: number) => (2n ** 128n * BigInt(i)) / BigInt(shards);
    for (let i = 0; i < shards; i++) this.#add([], { from: digits(bound(i)), to: digits(bound(i + 1) - 1n) });
  }

  /**
   * @param hash of the shard that takes it, where that is not the partition key's
   * @returns the shard that took it
   */
  put(partitionKey: string, payload: string, arrival: number, hash = hashOf(partitionKey)): string {
    const shard = this.shards.find(({ isOpen, range }) => isOpen && isWithin(range, hash))!;
    const bytes = Buffer.from(payload);
    this.#bytes += bytes.length;
    this.#units += Math.ceil((bytes.length + Buffer.byteLength(partitionKey)) / PUT_UNIT);
    shard.add({
      position: { sequence: String(++this.#sequence), index: 0 },
      arrival,
      partitionKey,
      base64: bytes.toString("base64"),
    });
    return shard.id;
  }

  /** Records that were put, and their bytes. */
  get volume(): Volume {
    return { records: this.#sequence, bytes: this.#bytes, units: this.#units };
  }

  get unread(): number {
    return this.shards.reduce((sum, { unread }) => sum + unread, 0);
  }

  get open(): readonly Shard[] {
    return this.shards.filter(({ isOpen }) => isOpen);
  }

  /** Two shards in place of one. */
  split(shard: Shard): void {
    const middle = (numberOf(shard.range.from) + numberOf(shard.range.to)) / 2n;
    shard.isOpen = false;
    this.#add([shard], { from: shard.range.from, to: digits(middle) });
    this.#add([shard], { from: digits(middle + 1n), to: shard.range.to });
  }

  /** One shard in place of one and the next. Nothing happens to the last one. */
  merge(shard: Shard): void {
    const next = this.open.find(({ range }) => numberOf(range.from) === numberOf(shard.range.to) + 1n);
    if (next === undefined) return;
    shard.isOpen = next.isOpen = false;
    this.#add([shard, next], { from: shard.range.from, to: next.range.to });
  }

  async list(): Promise<readonly Partition[]> {
    return this.shards.map(({ id, parents, range }) => ({ id, parents: parents.map((parent) => parent.id), range }));
  }

  async isAtTip(partition: string, sequence: string): Promise<boolean> {
    return this.shards.find(({ id }) => id === partition)!.isAtTip(sequence);
  }

  #add(parents: readonly Shard[], range: HashRange): void {
    this.shards.push(new Shard(`shardId-${String(this.shards.length).padStart(12, "0")}`, parents, range));
  }
}

const digits = (value: bigint): string => value.toString(16).padStart(WHOLE_RANGE.to.length, "0");

const numberOf = (hash: string): bigint => BigInt(`0x${hash}`);
