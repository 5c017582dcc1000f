import { setImmediate } from "node:timers/promises";
import type { Pipeline } from "millrace";
import { gated, type Gate } from "../../lib/testing/gated.ts";
import { MemoryChangelog } from "../../lib/testing/memory-changelog.ts";
import { MemoryObjects } from "../../lib/testing/memory-objects.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import type { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import { parseControlMessage, type ControlMessage } from "../../lib/runtime/tick.ts";
import { ASSUMED } from "../affinity/assumptions.ts";
import { oneTask, SHARD } from "../harness/one-task.ts";
import { departureAt } from "./readings.ts";

export interface ShardRunOptions {
  readonly pipeline: Pipeline;
  /** Events a second that are put into the shard, evenly. */
  readonly rate: number;
  /** The mapping's: seconds that a batch is collected, and records of the largest. */
  readonly window: number;
  readonly batchSize: number;
  /** Seconds for which events have been put when the mapping begins to read. */
  readonly backlog: number;
  /** Seconds for which events are put after that. */
  readonly seconds: number;
  /** Seconds by which all of it is later than whole minutes. @default 0 */
  readonly phase?: number;
  /** How often a processor's second takes a second of the function. */
  readonly slowness: number;
  /** Milliseconds of CPU that this process has taken. @default as the kernel says; tests say 0 */
  readonly cpu?: () => number;
}

/** One batch, in milliseconds of the simulated clock where nothing else is said. */
export interface BatchRun {
  readonly records: number;
  /** From a record's put to the batch's invocation: of each tenth, evenly. */
  readonly waited: readonly number[];
  readonly readAt: number;
  readonly toCommit: number;
  readonly toDelivery: number | undefined;
  readonly endedAt: number;
  /** Milliseconds of real CPU: before the head is asked for, until the commit is put, and after that. */
  readonly cpu: readonly [before: number, fold: number, after: number];
  /** Records that were put and are not read. */
  readonly unread: number;
}

export interface RowRun {
  readonly windowEnd: number;
  readonly deliveredAt: number;
}

export interface ShardRun {
  readonly batches: readonly BatchRun[];
  readonly rows: readonly RowRun[];
  readonly ticks: number;
}

/** Lambda asks a shard once a second (AWS: Using Lambda with Kinesis). */
const POLL = 1_000;
/** A shard gives 2 MB/s (AWS: Kinesis quotas), of records with so many bytes here. */
const READ_RATE = 2_000_000 / 100;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const START = Date.UTC(2026, 0, 1);

const millisOfCpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/**
 * A shard, its mapping and the runtime, on a clock that moves by what is waited for: batching, polls, requests as AWS
 * documents them, and the CPU that this process really takes. So nothing here depends on what else the machine does, but
 * for that CPU.
 */
export class ShardSimulation {
  readonly #options: ShardRunOptions;
  readonly #changelog = new MemoryChangelog();
  readonly #objects = new MemoryObjects();
  readonly #cpu: () => number;
  readonly #rows: RowRun[] = [];
  readonly #batches: BatchRun[] = [];
  readonly #messages: ControlMessage[] = [];
  readonly #runtime: StageRuntime;
  readonly #from: number;
  #now: number;
  /** When the mapping was done with the batch before: a tick is another mapping's. */
  #free: number;
  #read = 0;
  #ticks = 0;
  #cpuMark = 0;
  #segment = 0;
  #segments: [number, number, number] = [0, 0, 0];
  #report: TurnReport | undefined;

  constructor(options: ShardRunOptions) {
    this.#options = options;
    this.#cpu = options.cpu ?? millisOfCpu;
    this.#from = this.#now = this.#free = START + (options.phase ?? 0) * 1_000;
    this.#runtime = this.#start();
  }

  /** Until all that is put is read, and for some minutes more, so that ticks come. */
  async run(after = 900): Promise<ShardRun> {
    const { seconds } = this.#options;
    const end = this.#from + seconds * 1_000;
    for (;;) {
      const next = this.#nextBatch();
      const tick = this.#messages.find((message) => message.type === "tick");
      if (tick?.type === "tick" && (next === undefined || tick.at < next.at)) {
        if (tick.at > end + after * 1_000) break;
        this.#messages.splice(this.#messages.indexOf(tick), 1);
        await this.#tick(tick);
      } else if (next !== undefined) await this.#batch(next);
      else break;
      await setImmediate(); // so that the process can be ended
    }
    return { batches: this.#batches, rows: this.#rows, ticks: this.#ticks };
  }

  #start(): StageRuntime {
    const { changelog, objects } = gated(
      {
        changelog: this.#changelog,
        objects: this.#objects,
        writers: new Map(),
        partitions: { list: async () => [], isAtTip: async () => true },
      },
      this.#gate,
    );
    const sink = (take: (all: readonly Delivery[]) => void, millis: number) => ({
      deliver: async (all: readonly Delivery[]) => {
        this.#pass(millis);
        take(all);
        return [];
      },
    });
    return oneTask(this.#options.pipeline, {
      changelog,
      objects,
      sink: sink((all) => {
        for (const { body } of all) {
          const { window_end: windowEnd } = JSON.parse(body) as { readonly window_end: number };
          this.#rows.push({ windowEnd, deliveredAt: this.#now });
        }
      }, ASSUMED.deliveryMillis),
      // At the same time as the rows: no wait of its own.
      ticks: sink((all) => this.#messages.push(...all.map(({ body }) => parseControlMessage(body)!)), 0),
      onTurn: (report) => (this.#report = report),
      now: () => this.#now,
      isAtTip: () => this.#putBy(this.#now) <= this.#read,
    });
  }

  readonly #gate: Gate = async ({ service, operation }, carryOut) => {
    if (operation === "append" || operation === "newest") this.#mark(operation === "append" ? 2 : 1);
    this.#pass(service === "objects" ? ASSUMED.s3Millis : ASSUMED.dynamodbMillis);
    return carryOut();
  };

  /** What the process took since the last request moves the clock, and so does the request. */
  #pass(millis: number): void {
    this.#account();
    this.#now += millis;
  }

  #account(): void {
    const cpu = this.#cpu();
    this.#segments[this.#segment]! += cpu - this.#cpuMark;
    this.#now += (cpu - this.#cpuMark) * this.#options.slowness;
    this.#cpuMark = cpu;
  }

  #mark(segment: number): void {
    this.#account();
    this.#segment = segment;
  }

  /** When the n-th event is put: somewhere in its share of a second, so that none is always as far from a poll. */
  #putAt = (n: number): number =>
    this.#from - this.#options.backlog * 1_000 + ((n + ((n * GOLDEN) % 1)) * 1_000) / this.#options.rate;

  get #total(): number {
    return Math.floor((this.#options.backlog + this.#options.seconds) * this.#options.rate);
  }

  #putBy(time: number): number {
    const since = (time - this.#from + this.#options.backlog * 1_000) * this.#options.rate;
    const before = Math.max(0, Math.floor(since / 1_000));
    return Math.min(this.#total, before + Number(this.#putAt(before) <= time));
  }

  /** When the mapping invokes next, and with how many: as soon as a batch is full, or its window is over. */
  #nextBatch(): { readonly at: number; readonly count: number } | undefined {
    const { window, batchSize } = this.#options;
    if (this.#read >= this.#total) return undefined;
    const first = Math.max(this.#free, this.#putAt(this.#read));
    const waits = this.#putBy(this.#free) - this.#read;
    // A backlog is read on and on, as fast as the shard gives it; at the tip a poll comes each second.
    if (waits >= batchSize) return { at: this.#free + (batchSize / READ_RATE) * 1_000, count: batchSize };
    const poll = this.#from + Math.ceil((first - this.#from) / POLL) * POLL;
    const closes = poll + window * 1_000;
    const last = this.#read + batchSize - 1;
    const full = last < this.#total ? this.#from + Math.ceil((this.#putAt(last) - this.#from) / POLL) * POLL : Infinity;
    const at = Math.max(this.#now, Math.min(closes, Math.max(full, poll)));
    return { at, count: Math.min(batchSize, this.#putBy(at) - this.#read) };
  }

  async #batch({ at, count }: { readonly at: number; readonly count: number }): Promise<void> {
    this.#now = at;
    const records = Array.from({ length: count }, (_, i): IncomingRecord => {
      const n = this.#read + i;
      const event = departureAt(n, Math.floor(this.#putAt(n)));
      return {
        position: { sequence: String(n + 1), index: 0 },
        arrival: Math.floor(this.#putAt(n)),
        partitionKey: event.origin,
        base64: Buffer.from(JSON.stringify(event)).toString("base64"),
      };
    });
    this.#read += count;
    this.#begin();
    const rows = this.#rows.length;
    await this.#runtime.records(SHARD, records);
    this.#account();
    this.#free = this.#now;
    const { committedAt, deliveredAt } = this.#report!;
    const tenth = Math.max(1, Math.floor(count / 10));
    this.#batches.push({
      records: count,
      waited: records.filter((_, i) => i % tenth === 0).map(({ arrival }) => at - arrival),
      readAt: at,
      toCommit: committedAt! - at,
      // Without rows there was nothing to deliver, but a tick perhaps.
      toDelivery: this.#rows.length > rows ? deliveredAt! - committedAt! : undefined,
      endedAt: this.#now,
      cpu: this.#segments,
      unread: this.#putBy(this.#now) - this.#read,
    });
  }

  async #tick(message: ControlMessage & { readonly type: "tick" }): Promise<void> {
    this.#now = Math.max(this.#now, message.at);
    this.#begin();
    await this.#runtime.control(message);
    this.#account();
    this.#ticks++;
  }

  #begin(): void {
    this.#segment = 0;
    this.#segments = [0, 0, 0];
    this.#cpuMark = this.#cpu();
  }
}
