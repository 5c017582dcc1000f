import { randomBytes } from "node:crypto";
import type { KinesisClient } from "@aws-sdk/client-kinesis";
import { messageOf } from "../errors.ts";
import type { Source } from "../pipeline/source.ts";
import { hashOf, isWithin } from "../state/hash-range.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";
import { closed, refused, timedOut, tooLarge } from "./errors.ts";
import { eventReader, type EventReader } from "./event.ts";
import { sizeOf, type Lane, type Packed, type PackLimits, type Pending, type Receipt } from "./lane.ts";
import { Routes } from "./routes.ts";
import { SavingsCounter, type Savings } from "./savings.ts";
import { isFatal, kinesisTransport, type PutAnswer, type Transport } from "./transport.ts";

/** How events are packed and put. */
export interface ProducerOptions {
  /** The most events of a record, 1 to 10,000. @default 500 */
  readonly packEvents?: number;
  /** The most bytes of a record before compression, 1 to 1,000,000; a larger event is a record alone. @default 128 KiB */
  readonly packBytes?: number;
  /** How long an event may wait for others. @default 100 milliseconds */
  readonly linger?: Duration;
  /** @default "gzip", where it makes a record smaller */
  readonly compression?: "gzip" | "none";
  /** How long an event is tried, from `send` on. @default 2 minutes */
  readonly deliveryTimeout?: Duration;
  /** The most bytes of events on their way; `send` waits beyond. @default 32 MiB */
  readonly bufferBytes?: number;
}

/** What a producer needs of the world. */
export interface ProducerWorld {
  readonly transport: Transport;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Calls back after so many milliseconds. */
  readonly schedule: (millis: number, callback: () => void) => void;
  /** A text made anew at every call: the partition key of events that have no key. */
  readonly newKey: () => string;
}

/** AWS: PutRecords, API reference. A record may be larger where a stream is set up for it; this stays below the default. */
const MAX_RECORDS = 500;
const MAX_REQUEST_BYTES = 5 * 1_024 * 1_024;
const MAX_EVENT_BYTES = 1_024 * 1_024 - 4_096;

const FIRST_WAIT = 50;
const LONGEST_WAIT = 2_000;

/**
 * Puts events into a source's Kinesis stream: many of them packed in a record, each routed by its own key, and those of a key
 * in the order in which they were sent.
 *
 * At least once: a request whose answer is lost is sent again. `deduplicate` in the pipeline removes what that repeats.
 *
 * @example
 * const producer = createProducer(departures, { client: new KinesisClient({}), streamName });
 * await producer.send({ origin: "AMS", destination: "JFK", departedAt: Date.now(), delay: 4, distance: 5_860 });
 * await producer.close();
 * console.log(producer.savings());
 */
export class Producer<P> {
  readonly #world: ProducerWorld;
  readonly #limits: PackLimits;
  readonly #linger: number;
  readonly #timeout: number;
  readonly #bufferBytes: number;
  readonly #read: EventReader;
  readonly #routes = new Routes();
  readonly #savings = new SavingsCounter();
  readonly #idle: (() => void)[] = [];
  #isListed = false;
  /** Ends when all that was sent before has been admitted. */
  #turn: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #onSpace: (() => void) | undefined = undefined;
  #buffered = 0;
  #open = 0;
  #keyless: { readonly partitionKey: string; left: number } = { partitionKey: "", left: 0 };
  #flushes = 0;
  #isClosed = false;
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor(source: Source<unknown, unknown, P>, world: ProducerWorld, options: ProducerOptions = {}) {
    this.#world = world;
    this.#limits = {
      events: options.packEvents ?? 500,
      bytes: options.packBytes ?? 128 * 1_024,
      compression: options.compression ?? "gzip",
    };
    this.#linger = toPositiveMillis(options.linger ?? { millis: 100 }, "linger");
    this.#timeout = toPositiveMillis(options.deliveryTimeout ?? { minutes: 2 }, "deliveryTimeout");
    this.#bufferBytes = options.bufferBytes ?? 32 * 1_024 * 1_024;
    this.#read = eventReader(source);
  }

  /**
   * Sends an event.
   *
   * @returns where it is, once it is there
   * @throws poison errors `schema/mismatch`, `key/value`, `producer/too-large` for what the pipeline would refuse;
   *   infrastructure error `producer/timeout`, after which it may be there all the same; systemic errors
   *   `producer/refused`, `producer/closed`
   */
  async send(event: P): Promise<Receipt> {
    if (this.#isClosed) throw closed();
    const { text, partitionKey } = this.#read(event);
    if (text.length > MAX_EVENT_BYTES) throw tooLarge(text.length, MAX_EVENT_BYTES);
    this.#open++;
    try {
      // What is admitted is not waited for by what comes next, so it is in an object.
      const { receipt } = this.#isFree() ? this.#enqueue(text, partitionKey) : await this.#inTurn(text, partitionKey);
      return await receipt;
    } finally {
      if (--this.#open === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Puts all that was sent, without waiting for more. */
  async flush(): Promise<void> {
    await this.#turn; // else the first of those that wait would be a record alone
    this.#flushes++;
    this.#pump();
    if (this.#open > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#flushes--;
  }

  /** Puts all that was sent, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  /** What packing and compression have saved so far. */
  savings(): Savings {
    return this.#savings.get();
  }

  #isFree = (): boolean => this.#queued === 0 && this.#isListed && this.#buffered < this.#bufferBytes;

  /** In the order of the calls, once the shards are known and there is space. */
  #inTurn(text: Buffer, key: string | undefined): Promise<Admitted> {
    this.#queued++;
    const turn = this.#turn.then(async () => {
      try {
        if (!this.#isListed) await this.#list();
        if (this.#buffered >= this.#bufferBytes) await new Promise<void>((resolve) => (this.#onSpace = resolve));
        return this.#enqueue(text, key);
      } finally {
        this.#queued--;
      }
    });
    this.#turn = turn.catch(() => undefined); // who sent it is told
    return turn;
  }

  #enqueue(text: Buffer, key: string | undefined): Admitted {
    const partitionKey = key ?? this.#stickyKey();
    const receipt = new Promise<Receipt>((resolve, reject) => {
      const since = this.#world.now();
      const event: Pending = {
        text,
        partitionKey,
        hash: hashOf(partitionKey),
        isKeyed: key !== undefined,
        since,
        resolve,
        reject,
      };
      this.#buffered += sizeOf(event);
      this.#routes.laneOf(event.hash).push(event);
      this.#pump();
    });
    return { receipt };
  }

  /** Events without a key go to one shard until they fill a record. */
  #stickyKey(): string {
    if (this.#keyless.left === 0) this.#keyless = { partitionKey: this.#world.newKey(), left: this.#limits.events };
    this.#keyless.left--;
    return this.#keyless.partitionKey;
  }

  async #list(): Promise<void> {
    const began = this.#world.now();
    for (let attempt = 0; !this.#isListed; attempt++) {
      this.#isListed = this.#routes.update(await this.#world.transport.shards());
      if (this.#isListed) return;
      if (this.#world.now() - began >= this.#timeout) throw timedOut("its shards are not listed", this.#timeout);
      await this.#wait(attempt);
    }
  }

  /** Puts what is due, and sees to it that the rest is put when it is. */
  #pump(): void {
    const now = this.#world.now();
    const linger = this.#flushes > 0 ? 0 : this.#linger;
    let batch: Sending[] = [];
    let bytes = 0;
    let next = Number.POSITIVE_INFINITY;
    for (const lane of this.#routes.lanes) {
      const due = lane.dueAt(this.#limits, linger);
      if (due > now) {
        next = Math.min(next, due);
        continue;
      }
      const packed = lane.next(this.#limits);
      if (batch.length === MAX_RECORDS || (batch.length > 0 && bytes + packed.bytes > MAX_REQUEST_BYTES)) {
        void this.#put(batch);
        batch = [];
        bytes = 0;
      }
      lane.isSending = true;
      batch.push({ lane, packed });
      bytes += packed.bytes;
    }
    if (batch.length > 0) void this.#put(batch);
    if (next >= this.#wakesAt) return;
    this.#wakesAt = next;
    this.#world.schedule(next - now, () => {
      if (this.#wakesAt === next) this.#wakesAt = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  async #put(batch: readonly Sending[]): Promise<void> {
    let answers: readonly PutAnswer[];
    try {
      answers = await this.#world.transport.put(batch.map(({ packed }) => packed.record));
    } catch (thrown) {
      const answer = { error: messageOf(thrown), thrown };
      for (const sending of batch) this.#refused(sending, answer);
      this.#pump();
      return;
    }
    const moved: { readonly sending: Sending; readonly receipt: Receipt }[] = [];
    batch.forEach((sending, i) => {
      const answer = answers[i] ?? { error: "There was no answer for it." };
      if (answer.shardId === undefined) this.#refused(sending, answer);
      else if (answer.shardId === sending.lane.shard.id) this.#taken(sending, answer, sending.packed.events);
      else moved.push({ sending, receipt: answer });
    });
    for (const { sending, receipt } of moved) await this.#elsewhere(sending, receipt);
    this.#pump();
  }

  /** The record is there, and these of its events are where they belong. */
  #taken({ lane, packed }: Sending, receipt: Receipt, events: readonly Pending[]): void {
    this.#savings.record(packed.bytes, events.map(sizeOf));
    this.#leave(
      lane,
      packed.events.filter((event) => !events.includes(event)),
    );
    for (const event of events) this.#settle(event, () => event.resolve(receipt));
  }

  /**
   * The shard was split or merged meanwhile. Of a pack, the shard that took it folds what is its own and passes over the
   * rest: that is put once more.
   */
  async #elsewhere(sending: Sending, receipt: Receipt): Promise<void> {
    const { events } = sending.packed;
    for (let attempt = 0; ; attempt++) {
      const shards = await this.#world.transport.shards().catch(() => []);
      const taker = shards.find(({ id }) => id === receipt.shardId);
      const isGone = !shards.some(({ id, isOpen }) => id === sending.lane.shard.id && isOpen);
      if (taker !== undefined && isGone && this.#routes.update(shards)) {
        const own = events.filter(
          ({ hash, isKeyed }) => !isKeyed || events.length === 1 || isWithin(taker.range, hash),
        );
        return this.#taken(sending, receipt, own);
      }
      if (this.#isLate(events)) return this.#giveUp(sending, "The stream does not list the shard that took it.");
      await this.#wait(attempt);
    }
  }

  #refused(sending: Sending, { error, thrown }: { readonly error: string; readonly thrown?: unknown }): void {
    const { lane, packed } = sending;
    if (thrown !== undefined && isFatal(thrown)) return this.#giveUp(sending, error, thrown);
    if (this.#isLate(packed.events)) return this.#giveUp(sending, error);
    lane.notBefore = this.#world.now() + this.#waitOf(lane.attempts++);
    lane.isSending = false;
    if (lane.isClosed) this.#routes.release(lane, []);
  }

  #giveUp({ lane, packed }: Sending, reason: string, fatal?: unknown): void {
    const thrown = fatal === undefined ? timedOut(reason, this.#timeout) : refused(reason, fatal);
    this.#leave(lane, []);
    for (const event of packed.events) this.#settle(event, () => event.reject(thrown));
  }

  /** A lane's record is done with. @param left of it, to be put once more before all else */
  #leave(lane: Lane, left: readonly Pending[]): void {
    lane.settle();
    lane.isSending = false;
    if (lane.isClosed) this.#routes.release(lane, left);
    else if (left.length > 0) lane.unshift(left);
  }

  #settle(event: Pending, tell: () => void): void {
    this.#buffered -= sizeOf(event);
    tell();
    if (this.#buffered >= this.#bufferBytes) return;
    this.#onSpace?.();
    this.#onSpace = undefined;
  }

  #wait = (attempt: number): Promise<void> =>
    new Promise((resolve) => this.#world.schedule(this.#waitOf(attempt), resolve));

  #isLate = (events: readonly Pending[]): boolean => this.#world.now() - events[0]!.since >= this.#timeout;

  #waitOf = (attempt: number): number =>
    Math.min(FIRST_WAIT * 2 ** attempt, LONGEST_WAIT) * (0.5 + this.#world.random() / 2);
}

interface Admitted {
  readonly receipt: Promise<Receipt>;
}

interface Sending {
  readonly lane: Lane;
  readonly packed: Packed;
}

/** A producer of a source's stream. */
export const createProducer = <P>(
  source: Source<unknown, unknown, P>,
  { client, streamName, ...options }: ProducerOptions & { readonly client: KinesisClient; readonly streamName: string },
): Producer<P> =>
  new Producer(
    source,
    {
      transport: kinesisTransport(client, streamName),
      now: Date.now,
      random: Math.random,
      schedule: (millis, callback) => void setTimeout(callback, millis),
      newKey: () => randomBytes(12).toString("base64url"),
    },
    options,
  );
