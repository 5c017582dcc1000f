import type { Pipeline } from "millrace";
import { MemoryChangelog, MemoryObjects } from "millrace/testing";
import { runnableStage } from "../../../lib/connectors/runnable-stage.ts";
import { planStages, producersOf, type Stage } from "../../../lib/plan/stage.ts";
import { DEAD_LETTERS } from "../../../lib/runtime/dead-letter.ts";
import type { Observer, TurnReport } from "../../../lib/runtime/observer.ts";
import { ShuffleWriter } from "../../../lib/runtime/shuffle/writer.ts";
import type { Delivery, SinkWriter } from "../../../lib/runtime/sink-writer.ts";
import type { IncomingRecord } from "../../../lib/runtime/record.ts";
import type { RunnableStage, StageRuntimeSettings } from "../../../lib/runtime/stage-runtime.ts";
import { parseControlMessage, TICKS, ticksOf } from "../../../lib/runtime/tick.ts";
import { taskName } from "../../../lib/state/task-id.ts";
import { Draws, type DrawStream } from "../../../lib/testing/simulation/draws.ts";
import type { Gate, World } from "../../../lib/testing/gated.ts";
import { Environment } from "./environment.ts";
import { FaultPlan } from "./faults.ts";
import { internalStream } from "./internal.ts";
import { ShardedStream, type Shard, type Volume } from "./stream.ts";

export interface ClusterOptions {
  readonly seed: number;
  /** Shards of every stream. */
  readonly shards: number;
  /** Records of the largest batch. */
  readonly batch: number;
  /** The probability that a request fails in some way, if any does. */
  readonly faultRate?: number;
  /** Where rows go, by sink. */
  readonly writers: ReadonlyMap<string, SinkWriter>;
  /** @default a number at random, as a producer has it that has no key */
  readonly partitionKey?: (event: unknown) => string;
  /** Epoch milliseconds when the first event is put; each comes a millisecond after the one before. @default 0 */
  readonly start?: number;
  /** @default stores in memory that keep everything */
  readonly stores?: Pick<World, "changelog" | "objects">;
  /** What a stage talks to, in place of what it would. @default as it is */
  readonly worldOf?: (world: World) => World;
  /** @default as it is */
  readonly change?: (runnable: RunnableStage, stage: Stage) => RunnableStage;
  /** Is told what each turn did. */
  readonly onTurn?: (report: TurnReport) => void;
}

/** A stage at work: what it reads, and the processes that run it. */
interface RunningStage {
  readonly stage: Stage;
  readonly stream: ShardedStream;
  readonly environments: Environment[];
}

/** What a run came to. */
export interface ClusterReport {
  readonly turns: number;
  readonly failedTurns: number;
  /** Records that came too late for an operator. */
  readonly late: number;
  readonly deadLetters: readonly string[];
  /** Of everything but the input's making: seconds. Zero of batches as they are given, whose process is metered as a whole. */
  readonly cpuSeconds: number;
  readonly faults: ReadonlyMap<string, number>;
  /** What the streams between stages took. */
  readonly between: Volume;
}

/** Processes of a stage at a time. */
const ENVIRONMENTS = 2;

/** Milliseconds until what has failed comes again: a sink that is left alone for a while is tried again in the end. */
const RETRY = 100;

/** Turns in a row that fail, of which this many are bad luck no more. */
const MOST_FAILURES = 1_000;

/**
 * A pipeline's stages in this process, on stores in memory and streams of several shards: with the runtime as it is
 * deployed, and in place of AWS what its faults leave of it.
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #pipeline: Pipeline;
  readonly #stores: Pick<World, "changelog" | "objects">;
  readonly #stages: readonly RunningStage[];
  readonly #draws: DrawStream;
  readonly #keys: DrawStream;
  readonly #faults: FaultPlan | undefined;
  readonly #zombies: Environment[] = [];
  readonly #messages: string[] = [];
  readonly #deadLetters = new Map<string, string>();
  readonly #late = new Map<string, number>();
  readonly #cpu = { user: 0, system: 0 };
  /** Looking at the clock takes a part of a turn, too. */
  #isMetered = true;
  #turns = 0;
  #failures = 0;
  #failuresInARow = 0;
  #nonces = 0;
  #now = 0;

  constructor(pipeline: Pipeline, options: ClusterOptions) {
    this.#options = options;
    this.#pipeline = pipeline;
    this.#stores = options.stores ?? { changelog: new MemoryChangelog(), objects: new MemoryObjects() };
    const draws = new Draws(`${options.seed} ${pipeline.name}`);
    this.#draws = draws.stream("turns");
    this.#keys = draws.stream("partition keys");
    this.#now = options.start ?? 0;
    const { faultRate = 0 } = options;
    if (faultRate > 0) this.#faults = new FaultPlan(draws.stream("faults"), faultRate);
    this.#stages = planStages(pipeline).map((stage) => ({
      stage,
      stream: new ShardedStream(stage.name, options.shards),
      environments: [],
    }));
  }

  /** Runs the pipeline over events until there is nothing left to do, and drains it. */
  async run(events: Iterable<unknown>): Promise<ClusterReport> {
    const [source] = this.#stages;
    const most = this.#options.shards * this.#options.batch;
    // Without a key, as https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html says.
    const { partitionKey = () => String(this.#keys.below(1_000_000_000)) } = this.#options;
    for (const event of events) {
      this.#now++;
      source!.stream.put(partitionKey(event), JSON.stringify(event), this.#now);
      if (source!.stream.unread >= 2 * most) await this.#readWhile(() => source!.stream.unread >= most);
    }
    return this.#drain();
  }

  /** The same over batches as they are given, all of the source's first shard. Stages behind it read what is there after each. */
  async runBatches(batches: Iterable<readonly IncomingRecord[]>): Promise<ClusterReport> {
    this.#isMetered = false;
    const source = this.#stages[0]!;
    const { id } = source.stream.open[0]!;
    for (const batch of batches) {
      this.#now = Math.max(this.#now, batch.at(-1)!.arrival);
      await this.#turn(source, (runtime) => runtime.records(id, batch));
      await this.#settle();
    }
    return this.#drain();
  }

  /** Ends the input, until there is nothing left to do. */
  async #drain(): Promise<ClusterReport> {
    await this.#settle();
    const [source, ...between] = this.#stages;
    const { stage, stream } = source!;
    for (const shard of stream.open) {
      this.#messages.push(JSON.stringify({ type: "drain", task: this.#taskOf(stage, shard.id) }));
    }
    await this.#settle();
    return {
      turns: this.#turns,
      failedTurns: this.#failures,
      late: [...this.#late.values()].reduce((sum, n) => sum + n, 0),
      deadLetters: [...this.#deadLetters.values()],
      cpuSeconds: (this.#cpu.user + this.#cpu.system) / 1e6,
      faults: this.#faults?.counts ?? new Map<string, number>(),
      between: between.reduce(
        (sum, { stream: { volume } }) => ({
          records: sum.records + volume.records,
          bytes: sum.bytes + volume.bytes,
          units: sum.units + volume.units,
        }),
        { records: 0, bytes: 0, units: 0 },
      ),
    };
  }

  /** Gives turns until there is nothing to do for anyone, and nobody hangs who may still send something. */
  async #settle(): Promise<void> {
    do {
      for (const zombie of this.#zombies.splice(0)) await zombie.thaw();
      await this.#readWhile(() => true);
    } while (this.#zombies.length > 0);
  }

  /** Gives turns until there is nothing to read, or enough was. */
  async #readWhile(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const waiting = this.#stages.flatMap((running) =>
        running.stream.shards.flatMap((shard) => (shard.isDue ? [{ running, shard }] : [])),
      );
      if (waiting.length > 0) {
        const { running, shard } = this.#draws.pick(waiting);
        this.#reshard(running.stream);
        await this.#read(running, shard);
      } else if (this.#messages.length > 0) {
        await this.#give(this.#messages.shift()!);
      } else return;
      if (this.#zombies.length > 0 && this.#faults!.thaws()) await this.#zombies.shift()!.thaw();
    }
  }

  /** Splits or merges shards, now and then. */
  #reshard(stream: ShardedStream): void {
    if (this.#faults?.reshards() !== true) return;
    const shard = this.#draws.pick(stream.open);
    if (stream.open.length > this.#options.shards) stream.merge(shard);
    else stream.split(shard);
  }

  /** One batch of a shard. What fails comes again. */
  async #read(running: RunningStage, shard: Shard): Promise<void> {
    const { size, again } = this.#faults?.batch(this.#options.batch) ?? { size: this.#options.batch, again: 0 };
    const batch = shard.batch(size, again);
    if (await this.#turn(running, (runtime) => runtime.records(shard.id, batch))) shard.advance(batch);
  }

  /** A message of the control queue: what fails comes again. */
  async #give(body: string): Promise<void> {
    const message = parseControlMessage(body)!;
    if (message.type === "tick") this.#now = Math.max(this.#now, message.at);
    const running = this.#stages.find(({ stage, stream }) =>
      stream.shards.some(({ id }) => message.task === this.#taskOf(stage, id)),
    );
    if (!(await this.#turn(running!, (runtime) => runtime.control(message)))) this.#messages.push(body);
  }

  /** @returns whether it went well */
  async #turn(running: RunningStage, work: Parameters<Environment["turn"]>[0]): Promise<boolean> {
    const environment = this.#environmentOf(running);
    const before = this.#isMetered ? process.cpuUsage() : undefined;
    const ending = await environment.turn(work);
    if (before !== undefined) {
      const { user, system } = process.cpuUsage(before);
      this.#cpu.user += user;
      this.#cpu.system += system;
    }
    this.#turns++;
    if (ending.kind === "done") {
      this.#failuresInARow = 0;
      return true;
    }
    if (ending.kind === "failed" && this.#faults === undefined) throw ending.cause;
    if (ending.kind === "hung") this.#zombies.push(environment);
    this.#failures++;
    this.#now += RETRY;
    if (++this.#failuresInARow > MOST_FAILURES) {
      throw new Error(`${MOST_FAILURES} turns in a row failed.`, { cause: ending.kind === "failed" && ending.cause });
    }
    return false;
  }

  /** One of the stage's processes, or a new one in place of a dead one. */
  #environmentOf(running: RunningStage): Environment {
    const { stage, environments } = running;
    const at = this.#faults === undefined ? 0 : this.#draws.below(ENVIRONMENTS);
    const there = environments[at];
    if (there?.isUsable === true) return there;
    const worldOf = (gate: Gate) => this.#worldOf(running, gate);
    return (environments[at] = new Environment(this.#settingsOf(stage), worldOf, this.#faults));
  }

  #settingsOf(stage: Stage): Omit<StageRuntimeSettings, keyof World> {
    const observer: Observer = { turn: (report) => this.#count(report), notice: () => undefined };
    const runnable = runnableStage(this.#pipeline, stage, { generation: 0, incarnation: 0 });
    return {
      stage: this.#options.change?.(runnable, stage) ?? runnable,
      build: "nexmark",
      observer,
      now: () => this.#now,
      newNonce: () => `nonce-${++this.#nonces}`,
      suspectAfter: Number.POSITIVE_INFINITY,
    };
  }

  #worldOf({ stage, stream }: RunningStage, gate: Gate): World {
    const writers = new Map<string, SinkWriter>();
    for (const { name } of stage.sinks) writers.set(name, this.#options.writers.get(name)!);
    for (const { stage: reader } of stage.shuffles) {
      const { stream: between } = this.#stages.find((running) => running.stage.name === reader)!;
      writers.set(reader, new ShuffleWriter(internalStream(between, () => this.#now, gate, this.#faults)));
    }
    const collecting = (take: (delivery: Delivery) => void): SinkWriter => ({
      deliver: async (deliveries) => {
        deliveries.forEach(take);
        return [];
      },
    });
    writers.set(
      DEAD_LETTERS,
      collecting(({ id, body }) => this.#deadLetters.set(id, body)),
    );
    writers.set(
      TICKS,
      collecting(({ body }) => this.#messages.push(body)),
    );
    // The one source has records, so all stages begin by themselves.
    for (const producer of producersOf(stage)) {
      writers.set(
        ticksOf(producer),
        collecting(() => undefined),
      );
    }
    const world = { ...this.#stores, writers, partitions: stream };
    return this.#options.worldOf?.(world) ?? world;
  }

  #count(report: TurnReport): void {
    this.#options.onTurn?.(report);
    const { task, epoch, counts } = report;
    // By commit, as the process that made it may have died before anyone heard of it, or tells of it again.
    for (const [operator, { late }] of counts) if (late > 0) this.#late.set(`${task}@${epoch}.${operator}`, late);
  }

  #idOf(stage: Stage, partition: string) {
    return {
      pipeline: this.#pipeline.name,
      generation: 0,
      stage: stage.name,
      source: stage.input.name,
      incarnation: 0,
      partition,
    };
  }

  #taskOf(stage: Stage, partition: string): string {
    return taskName(this.#idOf(stage, partition));
  }
}
