import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { hashOf, isWithin, WHOLE_RANGE, type HashRange } from "../../lib/state/hash-range.ts";
import { compareSequences } from "../../lib/state/position.ts";
import type { Event } from "./events-pipeline.ts";
import { record, type Rig, type RigOptions } from "./rig.ts";

interface Shard {
  readonly id: string;
  readonly range: HashRange;
  readonly parents: readonly string[];
  readonly records: IncomingRecord[];
  isOpen: boolean;
}

/** A stream whose shards are split and merged, in front of a rig: sequence numbers rise over the whole stream. */
export class Shards {
  readonly #rig: Rig;
  readonly #shards: Shard[] = [];
  #sequence = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
    rig.partitions.length = 0;
    rig.tipOf = (partition, sequence) => this.unread(partition, sequence).length === 0;
    this.#add(WHOLE_RANGE, []);
  }

  put(event: Event, arrival = this.#rig.now): string {
    const shard = this.#shardOf(event.key);
    shard.records.push(record(++this.#sequence, event, { arrival }));
    return shard.id;
  }

  /** The open shard that a key belongs to. */
  of(key: string): string {
    return this.#shardOf(key).id;
  }

  split(id: string): [string, string] {
    const { range } = this.#close(id);
    const middle = (BigInt(`0x${range.from}`) + BigInt(`0x${range.to}`)) / 2n;
    const digits = (value: bigint) => value.toString(16).padStart(32, "0");
    return [
      this.#add({ from: range.from, to: digits(middle) }, [id]),
      this.#add({ from: digits(middle + 1n), to: range.to }, [id]),
    ];
  }

  merge(a: string, b: string): string {
    const ranges = [this.#close(a).range, this.#close(b).range].sort((x, y) => (x.from < y.from ? -1 : 1));
    return this.#add({ from: ranges[0]!.from, to: ranges[1]!.to }, [a, b]);
  }

  /** What its retention has taken away is listed no more. */
  unlist(id: string): void {
    const at = this.#rig.partitions.findIndex((partition) => partition.id === id);
    this.#rig.partitions.splice(at, 1);
  }

  unread(id: string, sequence: string): readonly IncomingRecord[] {
    const { records } = this.#shards.find((shard) => shard.id === id)!;
    return records.filter(({ position }) => compareSequences(position.sequence, sequence) > 0);
  }

  /** Gives a new process everything of a shard that its task has not folded. */
  async read(id: string, options: RigOptions = {}): Promise<void> {
    const header = await this.#rig.header(id);
    const records = this.unread(id, header?.position.sequence ?? "");
    if (records.length > 0) await this.#rig.process(options).records(id, records);
  }

  get open(): readonly string[] {
    return this.#shards.filter(({ isOpen }) => isOpen).map(({ id }) => id);
  }

  #shardOf(key: string): Shard {
    return this.#shards.find(({ isOpen, range }) => isOpen && isWithin(range, hashOf(key)))!;
  }

  #add(range: HashRange, parents: readonly string[]): string {
    const id = `shardId-${String(this.#shards.length).padStart(12, "0")}`;
    this.#shards.push({ id, range, parents, records: [], isOpen: true });
    this.#rig.partitions.push({ id, parents, range });
    return id;
  }

  #close(id: string): Shard {
    const shard = this.#shards.find((candidate) => candidate.id === id)!;
    shard.isOpen = false;
    return shard;
  }
}

/** Whether the ranges of two shards meet: the lower one's first; nothing where they do not. */
export function neighbours(rig: Rig, a: string, b: string): readonly [low: string, high: string] | undefined {
  const rangeOf = (id: string) => rig.partitions.find((partition) => partition.id === id)!.range;
  const [low, high] = rangeOf(a).from < rangeOf(b).from ? [a, b] : [b, a];
  return BigInt(`0x${rangeOf(low).to}`) + 1n === BigInt(`0x${rangeOf(high).from}`) ? [low, high] : undefined;
}
