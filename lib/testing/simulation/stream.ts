import { infrastructureError } from "../../errors.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import type { Partition } from "../../state/partition.ts";
import type { SourcePartitions } from "../../runtime/source-partitions.ts";
import { hashOf, isWithin, WHOLE_RANGE, type HashRange } from "../../state/hash-range.ts";
import { compareSequences } from "../../state/position.ts";
import type { SimulatedClock } from "./clock.ts";
import type { DrawStream } from "./draws.ts";
import type { Pack } from "../../runtime/shuffle/pack.ts";

/** A record in a shard. */
export interface StreamRecord {
  readonly shard: Shard;
  /** The event's index among the simulation's events; undefined in a stream between stages. */
  readonly event: number | undefined;
  /** What a record of a stream between stages says; undefined for a foreign one. */
  readonly pack: Pack | undefined;
  readonly incoming: IncomingRecord;
  /** The chance that the process ends when it takes the record. */
  readonly kills: number;
  /** Whether the mapping gave it up, as the stream's retention had passed. */
  dropped: boolean;
  /** How far event time had come for its key before it, as the checks found out. */
  watermark: number | undefined;
}

export interface Shard {
  readonly id: string;
  /** The id as places of faults have it: that of another stage's stream is told from it. */
  readonly place: string;
  readonly parents: readonly Shard[];
  readonly children: Shard[];
  readonly range: HashRange;
  /** Epoch milliseconds; undefined while it takes records. */
  closed: number | undefined;
  readonly records: StreamRecord[];
}

/** What a producer puts. */
export interface PutRecord {
  readonly event?: number;
  readonly pack?: Pack | undefined;
  readonly partitionKey: string;
  /** Where that is not the partition key's: 32 hexadecimal digits. */
  readonly hash?: string | undefined;
  readonly payload: Buffer;
  readonly kills: number;
}

/** Sequence numbers get another digit soon after the start: they are no texts to be compared as texts. */
const FIRST_SEQUENCE = 99_999_000;

/** A Kinesis stream: shards by ranges of the keys' hashes, that are split and merged, and forget after a while. */
export class SimulatedStream implements SourcePartitions {
  readonly #clock: SimulatedClock;
  readonly #retention: number;
  readonly #draws: DrawStream;
  readonly #place: string;
  readonly shards: Shard[] = [];
  readonly bySequence = new Map<string, StreamRecord>();
  #sequence = FIRST_SEQUENCE;

  /** @param retention milliseconds @param place what its shards' places of faults begin with */
  constructor(clock: SimulatedClock, shards: number, retention: number, draws: DrawStream, place = "") {
    this.#place = place;
    this.#clock = clock;
    this.#retention = retention;
    this.#draws = draws;
    const size = 2n ** 128n / BigInt(shards);
    for (let i = 0; i < shards; i++) {
      const to = i === shards - 1 ? numberOf(WHOLE_RANGE.to) : BigInt(i + 1) * size - 1n;
      this.#add([], { from: digits(BigInt(i) * size), to: digits(to) });
    }
  }

  get open(): readonly Shard[] {
    return this.shards.filter(({ closed }) => closed === undefined);
  }

  put({ event, pack, partitionKey, hash = hashOf(partitionKey), payload, kills }: PutRecord): StreamRecord {
    const shard = this.shards.find((one) => one.closed === undefined && isWithin(one.range, hash))!;
    const position = { sequence: String((this.#sequence += this.#draws.between(1, 20))), index: 0 };
    const incoming = { position, arrival: this.#clock.now, partitionKey, base64: payload.toString("base64") };
    const record: StreamRecord = { shard, event, pack, incoming, kills, dropped: false, watermark: undefined };
    shard.records.push(record);
    this.bySequence.set(position.sequence, record);
    return record;
  }

  /** Whether the stream has forgotten a record. */
  isExpired({ incoming }: StreamRecord): boolean {
    return incoming.arrival + this.#retention <= this.#clock.now;
  }

  /** @param at where, from 0 to 1 of the shard's range. @returns whether that was possible */
  split(shard: Shard, at: number): boolean {
    const [from, to] = [numberOf(shard.range.from), numberOf(shard.range.to)];
    if (to - from < 2n ** 32n) return false;
    const middle = from + ((to - from) * BigInt(Math.round(1 + at * 998))) / 1_000n;
    shard.closed = this.#clock.now;
    this.#add([shard], { from: shard.range.from, to: digits(middle - 1n) });
    this.#add([shard], { from: digits(middle), to: shard.range.to });
    return true;
  }

  /** Merges a shard with the next one. @returns whether there is one */
  merge(shard: Shard): boolean {
    const next = this.open.find(({ range }) => numberOf(range.from) === numberOf(shard.range.to) + 1n);
    if (next === undefined) return false;
    shard.closed = next.closed = this.#clock.now;
    this.#add([shard, next], { from: shard.range.from, to: next.range.to });
    return true;
  }

  async list(): Promise<readonly Partition[]> {
    return this.shards
      .filter((shard) => this.isListed(shard))
      .map(({ id, parents, range }) => ({ id, parents: parents.map((parent) => parent.id), range }));
  }

  async isAtTip(partition: string, sequence: string): Promise<boolean> {
    const shard = this.shards.find(({ id }) => id === partition);
    if (shard === undefined || !this.isListed(shard)) {
      throw infrastructureError({ code: "simulation/no-shard", message: `The stream lists no shard ${partition}.` });
    }
    return this.isReadUpTo(shard, sequence);
  }

  isReadUpTo({ records }: Shard, sequence: string): boolean {
    const last = records.at(-1);
    return (
      last === undefined || this.isExpired(last) || compareSequences(last.incoming.position.sequence, sequence) <= 0
    );
  }

  /** Whether the stream lists a shard: a closed one as long as it may hold records. */
  isListed({ closed }: Shard): boolean {
    return closed === undefined || closed + this.#retention > this.#clock.now;
  }

  #add(parents: readonly Shard[], range: HashRange): void {
    const id = `shardId-${String(this.shards.length).padStart(12, "0")}`;
    const shard: Shard = { id, place: this.#place + id, parents, children: [], range, closed: undefined, records: [] };
    for (const parent of parents) parent.children.push(shard);
    this.shards.push(shard);
  }
}

const numberOf = (digits: string): bigint => BigInt(`0x${digits}`);
const digits = (number: bigint): string => number.toString(16).padStart(32, "0");
