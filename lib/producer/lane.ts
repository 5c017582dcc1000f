import { gzipSync } from "node:zlib";
import { encodePack } from "../connectors/kinesis/pack.ts";
import type { KeyHash } from "../state/hash-range.ts";
import type { PutRecord, Shard } from "./transport.ts";

/** Where an event is. Other events may be in the same record. */
export interface Receipt {
  readonly shardId: string;
  readonly sequenceNumber: string;
}

/** An event on its way. */
export interface Pending {
  readonly text: Buffer;
  readonly partitionKey: string;
  readonly hash: KeyHash;
  /** Whether it is of a key; else any shard may have it. */
  readonly isKeyed: boolean;
  /** When it was given: epoch milliseconds. */
  readonly since: number;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (reason: unknown) => void;
}

export const sizeOf = ({ text, partitionKey }: Pending): number => text.length + Buffer.byteLength(partitionKey);

/** Events that are one record. */
export interface Packed {
  readonly events: readonly Pending[];
  readonly record: PutRecord;
  readonly bytes: number;
}

export interface PackLimits {
  readonly events: number;
  /** Bytes of events, before they are compressed. */
  readonly bytes: number;
  readonly compression: "gzip" | "none";
}

/**
 * What is to be put into one shard, in its order. One record of a lane is on its way at a time: then no refusal puts a
 * record behind one that followed it, and events of a key keep their order.
 */
export class Lane {
  readonly shard: Shard;
  /** Lanes of shards that this one's replaced, as long as a record of theirs is on its way: their events come first. */
  readonly behind = new Set<Lane>();
  isSending = false;
  isClosed = false;
  /** Refusals in a row, and when to try again: epoch milliseconds. */
  attempts = 0;
  notBefore = 0;
  #packed: Packed | undefined = undefined;
  readonly #queue: Pending[] = [];
  #bytes = 0;

  constructor(shard: Shard) {
    this.shard = shard;
  }

  push(event: Pending): void {
    this.#queue.push(event);
    this.#bytes += sizeOf(event);
  }

  /** Puts events before all that is not on its way. */
  unshift(events: readonly Pending[]): void {
    const refused = this.isSending ? [] : (this.#packed?.events ?? []);
    if (!this.isSending) this.#packed = undefined;
    const first = [...events, ...refused];
    this.#queue.unshift(...first);
    for (const event of first) this.#bytes += sizeOf(event);
  }

  get isEmpty(): boolean {
    return this.#packed === undefined && this.#queue.length === 0;
  }

  /** When its next record may be put, unless more events come; infinity where there is none. */
  dueAt(limits: PackLimits, linger: number): number {
    if (this.isSending || this.behind.size > 0 || this.isEmpty) return Number.POSITIVE_INFINITY;
    const isFull = this.#packed !== undefined || this.#queue.length >= limits.events || this.#bytes >= limits.bytes;
    return Math.max(this.notBefore, isFull ? 0 : this.#queue[0]!.since + linger);
  }

  /** Its next record: the same as before if that was refused. */
  next(limits: PackLimits): Packed {
    return (this.#packed ??= this.#pack(limits));
  }

  /** Its record is where it was put, or given up. */
  settle(): void {
    this.#packed = undefined;
    this.attempts = 0;
    this.notBefore = 0;
  }

  /** All that it holds, oldest first. */
  takeAll(): readonly Pending[] {
    const all = [...(this.#packed?.events ?? []), ...this.#queue.splice(0)];
    this.#packed = undefined;
    this.#bytes = 0;
    return all;
  }

  #pack({ events: mostEvents, bytes: mostBytes, compression }: PackLimits): Packed {
    let bytes = 0;
    let count = 0;
    for (const event of this.#queue) {
      bytes += sizeOf(event);
      if (count > 0 && (count === mostEvents || bytes > mostBytes)) break;
      count++;
    }
    const events = this.#queue.splice(0, count);
    for (const event of events) this.#bytes -= sizeOf(event);
    const [first, ...others] = events;
    const plain = others.length === 0 ? first!.text : encodePack(events.map(({ text }) => text));
    const zipped = compression === "gzip" ? gzipSync(plain) : plain;
    const data = zipped.length < plain.length ? zipped : plain;
    const { partitionKey } = first!;
    return { events, record: { data, partitionKey }, bytes: data.length + Buffer.byteLength(partitionKey) };
  }
}
