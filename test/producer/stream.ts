import { kinesisUnpack } from "../../lib/connectors/kinesis/unpack.ts";
import type { PutAnswer, PutRecord, Shard, Transport } from "../../lib/producer/transport.ts";
import { hashOf, isWithin, WHOLE_RANGE, type HashRange } from "../../lib/state/hash-range.ts";

/** What happens to the n-th request. */
export type Mishap =
  | { readonly kind: "refuse"; readonly which: (i: number) => boolean }
  | { readonly kind: "fail" }
  | { readonly kind: "lose-answer" }
  | { readonly kind: "split" | "split all" | "merge" };

export interface Stored {
  readonly shard: string;
  readonly event: { readonly key: string; readonly n: number };
}

interface MemoryShard extends Shard {
  isOpen: boolean;
}

/** Work that is due at a time, done in its order. */
export class VirtualTime {
  now = 0;
  readonly #due: { readonly at: number; readonly callback: () => void }[] = [];

  schedule = (millis: number, callback: () => void): void => void this.#due.push({ at: this.now + millis, callback });

  /** Goes on until nothing is due, with all that follows from it. */
  async run(isOver: () => boolean): Promise<void> {
    for (let steps = 0; steps < 100_000 && !isOver(); steps++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isOver()) return;
      const [next] = this.#due.toSorted((a, b) => a.at - b.at);
      if (next === undefined) continue;
      this.#due.splice(this.#due.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.callback();
    }
  }
}

/** A stream whose shards are split and merged, and whose requests go wrong. Folds what a reader of each shard would. */
export class MemoryStream implements Transport {
  readonly stored: Stored[] = [];
  readonly records: { readonly shard: string; readonly bytes: number; readonly partitionKey: string }[] = [];
  /** What readers passed over, since it was another shard's. */
  passedOver = 0;
  requests = 0;
  readonly #shards: MemoryShard[] = [{ id: "0", range: WHOLE_RANGE, isOpen: true }];
  readonly #mishaps: Mishap[];
  readonly #time: VirtualTime;
  /** Lists lag behind: so many of the last changes are not in them yet. */
  #unlisted = 0;

  constructor(time: VirtualTime, mishaps: readonly Mishap[] = []) {
    this.#time = time;
    this.#mishaps = [...mishaps];
  }

  async put(records: readonly PutRecord[]): Promise<readonly PutAnswer[]> {
    this.requests++;
    const mishap = this.#mishaps.shift();
    await new Promise<void>((resolve) => this.#time.schedule(5 + (this.requests % 3) * 40, resolve));
    if (mishap?.kind === "fail") throw new Error("socket hang up");
    if (mishap?.kind === "split") this.split();
    if (mishap?.kind === "split all") for (const _ of this.#open) this.split();
    if (mishap?.kind === "merge") this.merge();
    const answers = records.map((record, i): PutAnswer => {
      if (mishap?.kind === "refuse" && mishap.which(i))
        return { error: "ProvisionedThroughputExceededException: slow" };
      return this.#take(record);
    });
    if (mishap?.kind === "lose-answer") throw new Error("socket hang up");
    return answers;
  }

  async shards(): Promise<readonly Shard[]> {
    const lag = this.#unlisted > 0 ? this.#unlisted-- : 0;
    if (lag === 0) return this.#shards.map((shard) => ({ ...shard }));
    const known = this.#shards.slice(0, -1);
    return known.map((shard) => ({ ...shard }));
  }

  split(): void {
    const shard = this.#open.toSorted((a, b) => (width(a.range) > width(b.range) ? -1 : 1))[0]!;
    const middle = BigInt(`0x${shard.range.from}`) + width(shard.range) / 2n;
    shard.isOpen = false;
    this.#add({ from: shard.range.from, to: hex(middle) });
    this.#add({ from: hex(middle + 1n), to: shard.range.to });
    this.#unlisted = 1;
  }

  merge(): void {
    const [lower, upper] = this.#open.toSorted((a, b) => (a.range.from < b.range.from ? -1 : 1));
    if (upper === undefined) return;
    lower!.isOpen = upper.isOpen = false;
    this.#add({ from: lower!.range.from, to: upper.range.to });
    this.#unlisted = 1;
  }

  get #open(): readonly MemoryShard[] {
    return this.#shards.filter(({ isOpen }) => isOpen);
  }

  #add(range: HashRange): void {
    this.#shards.push({ id: String(this.#shards.length), range, isOpen: true });
  }

  #take({ data, partitionKey }: PutRecord): PutAnswer {
    const shard = this.#open.find(({ range }) => isWithin(range, hashOf(partitionKey)))!;
    this.records.push({ shard: shard.id, bytes: data.length, partitionKey });
    const position = { sequence: String(this.records.length), index: 0 };
    const pack = kinesisUnpack()({ position, arrival: 0, partitionKey, base64: data.toString("base64") });
    const texts = pack === undefined ? [data] : pack.events.map(({ bytes }) => bytes);
    for (const text of texts) {
      const event = JSON.parse(String(text)) as Stored["event"];
      if (pack?.isSentAgain === true && !isWithin(shard.range, hashOf(event.key))) this.passedOver++;
      else this.stored.push({ shard: shard.id, event });
    }
    return { shardId: shard.id, sequenceNumber: position.sequence };
  }
}

const width = ({ from, to }: HashRange): bigint => BigInt(`0x${to}`) - BigInt(`0x${from}`);
const hex = (number: bigint): string => number.toString(16).padStart(32, "0");
