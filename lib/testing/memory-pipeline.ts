import { runnableStage } from "../connectors/runnable-stage.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { planStages, producersOf, type Stage } from "../plan/stage.ts";
import type { WriterLimits } from "../runtime/commit-writer.ts";
import { DEAD_LETTERS } from "../runtime/dead-letter.ts";
import type { Lookups } from "../runtime/enrichment.ts";
import type { Observer, TurnReport } from "../runtime/observer.ts";
import type { InternalStream } from "../runtime/shuffle/internal-stream.ts";
import { ShuffleWriter } from "../runtime/shuffle/writer.ts";
import type { Delivery, SinkWriter } from "../runtime/sink-writer.ts";
import { StageRuntime } from "../runtime/stage-runtime.ts";
import { TICKS, ticksOf, type ControlMessage } from "../runtime/tick.ts";
import { taskName } from "../state/task-id.ts";
import { gated, type Gate } from "./gated.ts";
import { MemoryChangelog } from "./memory-changelog.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { MemoryStream, type MemoryShard } from "./memory-stream.ts";

export interface MemoryPipelineOptions {
  /** Shards of each source's stream. @default 1 */
  readonly shards?: number;
  /** Shards of each internal stream. @default those of the sources */
  readonly internalShards?: number;
  /** Records in a batch, at most. @default 1,000 */
  readonly batchSize?: number;
  /** Epoch milliseconds at the start. @default 0 */
  readonly start?: number;
  /** Bytes at which commits are spilled and checkpoints are due. @default as deployed */
  readonly limits?: WriterLimits;
  /** Stands between a new process and the world: for faults. @default nothing does */
  readonly gateOf?: (stage: string) => Gate;
  /** What is looked up in. @default nothing */
  readonly lookups?: Lookups;
  /** Stands between a stage's internal stream and those that write to it: for faults. @default nothing does */
  readonly throughOf?: (reader: string, stream: MemoryStream) => InternalStream;
  readonly onTurn?: (report: TurnReport) => void;
  readonly onMeasured?: NonNullable<Observer["measured"]>;
  readonly onTraced?: NonNullable<Observer["traced"]>;
  readonly onNotice?: (task: string, what: string) => void;
}

/** A turn that failed and comes again is given up after so many times. */
const MOST_ATTEMPTS = 200;

/** A tick queue's message, and when it may be received. */
interface Waiting {
  readonly message: ControlMessage;
  readonly at: number;
}

/** One stage as it is deployed: a stream, a function that reads it, and a queue of its ticks. */
export class MemoryStage {
  /** As it was deployed last. */
  stage: Stage;
  readonly stream: MemoryStream;
  readonly waiting: Waiting[] = [];
  /** Records that are done with, by shard. */
  readonly done = new Map<string, number>();
  process: StageRuntime | undefined = undefined;

  constructor(stage: Stage, stream: MemoryStream) {
    this.stage = stage;
    this.stream = stream;
  }
}

/**
 * A whole pipeline in this process: the real runtime of every stage on streams, changelog, objects and sinks in memory,
 * on a clock that stands still until it is moved. Mappings are as AWS describes them: a shard's batches in order, each
 * again until it succeeds.
 */
export class MemoryPipeline {
  readonly changelog = new MemoryChangelog();
  readonly objects = new MemoryObjects();
  readonly stages = new Map<string, MemoryStage>();
  /** What every sink received, repeats included, in order; `$dead-letters` among them. */
  readonly delivered = new Map<string, Delivery[]>();
  /** Epoch milliseconds. */
  now: number;
  #pipeline!: Pipeline;
  #build!: string;
  readonly #options: MemoryPipelineOptions;
  #nonces = 0;

  constructor(pipeline: Pipeline, options: MemoryPipelineOptions = {}) {
    this.#options = options;
    this.now = options.start ?? 0;
    this.deploy(pipeline, "memory");
  }

  /**
   * Processes that begin from now on run this pipeline, on the streams and the state that there are. Those that run
   * already are let go; who holds one of them has a container that has not ended yet.
   */
  deploy(pipeline: Pipeline, build: string): void {
    this.#pipeline = pipeline;
    this.#build = build;
    const { shards = 1, internalShards = shards } = this.#options;
    const planned = planStages(pipeline);
    for (const name of this.stages.keys()) {
      if (planned.every((stage) => stage.name !== name)) this.stages.delete(name); // and its stream with it
    }
    for (const stage of planned) {
      const deployed = this.stages.get(stage.name);
      const count = stage.input.kind === "source" ? shards : internalShards;
      const now = deployed ?? new MemoryStage(stage, new MemoryStream(count, () => this.now));
      now.stage = stage;
      now.process = undefined;
      this.stages.set(stage.name, now);
    }
  }

  stage(name: string): MemoryStage {
    const stage = this.stages.get(name);
    if (stage === undefined) throw new Error(`There is no stage "${name}".`);
    return stage;
  }

  /** Puts an event into a source's stream, as a producer does. */
  put(source: string, event: unknown, partitionKey: string): void {
    this.stage(source).stream.take({ partitionKey, text: JSON.stringify(event) });
  }

  /** Has a stage's function begin anew: what its process knew is gone. */
  restart(stage: string): void {
    this.stage(stage).process = undefined;
  }

  /** Reads all streams to their ends, and gives ticks that are due, until there is nothing to do. */
  async run(): Promise<void> {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const name of this.stages.keys()) isBusy = (await this.runStage(name)) || isBusy;
    }
  }

  /** Lets time pass, and gives each tick that falls due in between at its time. */
  async advance(millis: number): Promise<void> {
    const end = this.now + millis;
    for (;;) {
      await this.run();
      const next = Math.min(...[...this.stages.values()].flatMap(({ waiting }) => waiting.map(({ at }) => at)));
      if (next > end) break;
      this.now = Math.max(this.now, next);
    }
    this.now = end;
  }

  /** Says that the input has ended: windows close, through all stages. */
  async drain(): Promise<void> {
    await this.run();
    for (const stage of this.stages.values()) {
      if (stage.stage.input.kind !== "source") continue;
      for (const shard of stage.stream.shards) {
        const task = this.taskName(stage, shard.id);
        await this.#attempt(stage, (process) => process.control({ type: "drain", task }));
      }
    }
    await this.run();
  }

  taskName({ stage }: MemoryStage, partition: string): string {
    const { name: pipeline } = this.#pipeline;
    return taskName({
      pipeline,
      generation: 0,
      stage: stage.name,
      source: stage.input.name,
      incarnation: 0,
      partition,
    });
  }

  /** A sink's rows, each once. @throws when one id came with two contents (X4) */
  rows<R>(sink: string): R[] {
    const rows = new Map<string, string>();
    for (const { id, body } of this.delivered.get(sink) ?? []) {
      if (rows.has(id) && rows.get(id) !== body) throw new Error(`X4: ${id} was sent with two contents.`);
      rows.set(id, body);
    }
    return [...rows.values()].map((body) => JSON.parse(body) as R);
  }

  /** Gives each shard of one stage a batch, and the stage its ticks that are due. @returns whether there was anything */
  async runStage(name: string): Promise<boolean> {
    const stage = this.stage(name);
    let isBusy = false;
    for (const shard of [...stage.stream.shards]) isBusy = (await this.#runShard(stage, shard)) || isBusy;
    const due = stage.waiting.filter(({ at }) => at <= this.now);
    for (const one of due) {
      stage.waiting.splice(stage.waiting.indexOf(one), 1);
      await this.#attempt(stage, (process) => process.control(one.message));
    }
    return isBusy || due.length > 0;
  }

  async #runShard(stage: MemoryStage, shard: MemoryShard): Promise<boolean> {
    const from = stage.done.get(shard.id) ?? 0;
    if (from === shard.records.length) return false;
    // Parents first: a child's batch would only fail until they are done.
    if (isWaiting(stage, shard)) return false;
    const batch = shard.records.slice(from, from + (this.#options.batchSize ?? 1_000));
    await this.#attempt(stage, (process) => process.records(shard.id, batch));
    stage.done.set(shard.id, from + batch.length);
    return true;
  }

  async #attempt(stage: MemoryStage, turn: (process: StageRuntime) => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await turn((stage.process ??= this.#start(stage)));
        return;
      } catch (thrown) {
        if (this.#options.gateOf === undefined || attempt === MOST_ATTEMPTS) throw thrown;
        stage.process = undefined; // with a gate, what fails is a process that has ended
      }
    }
  }

  #start({ stage, stream }: MemoryStage): StageRuntime {
    const writers = new Map<string, SinkWriter>([
      [TICKS, this.#ticksFor(stage.name)],
      ...producersOf(stage).map((producer) => [ticksOf(producer), this.#ticksFor(producer)] as const),
      ...[...stage.sinks.map(({ name }) => name), DEAD_LETTERS].map((name) => [name, this.#sink(name)] as const),
      ...stage.shuffles.map(({ stage: reader }) => [reader, new ShuffleWriter(this.#through(reader))] as const),
    ]);
    const world = { changelog: this.changelog, objects: this.objects, partitions: stream, writers };
    const { gateOf, limits, lookups, onTurn, onMeasured, onTraced, onNotice } = this.#options;
    const gate = gateOf?.(stage.name);
    return new StageRuntime({
      ...(gate === undefined ? world : gated(world, gate)),
      stage: runnableStage(this.#pipeline, stage, { generation: 0, incarnation: 0 }),
      build: this.#build,
      observer: {
        turn: (report) => onTurn?.(report),
        measured: (...committed) => onMeasured?.(...committed),
        traced: (...committed) => onTraced?.(...committed),
        notice: (task, what) => onNotice?.(task, what),
      },
      now: () => this.now,
      newNonce: () => `nonce-${++this.#nonces}`,
      suspectAfter: Number.POSITIVE_INFINITY,
      ...(limits && { limits }),
      ...(lookups && { lookups }),
    });
  }

  #through(reader: string): InternalStream {
    const { stream } = this.stage(reader);
    return this.#options.throughOf?.(reader, stream) ?? stream;
  }

  #sink(name: string): SinkWriter {
    return {
      deliver: async (items) => {
        const delivered = items.map(({ id, body }): Delivery => ({ id, body }));
        const all = this.delivered.get(name);
        if (all === undefined) this.delivered.set(name, delivered);
        else all.push(...delivered);
        return [];
      },
    };
  }

  #ticksFor(stage: string): SinkWriter {
    return {
      deliver: async (items) => {
        for (const { body } of items) {
          const message = JSON.parse(body) as ControlMessage;
          this.stage(stage).waiting.push({ message, at: message.type === "tick" ? message.at : this.now });
        }
        return [];
      },
    };
  }
}

/** Whether a shard that one comes from, be it through others, has records that were not read. */
const isWaiting = ({ stream, done }: Pick<MemoryStage, "stream" | "done">, { parents }: MemoryShard): boolean =>
  stream.shards
    .filter(({ id }) => parents.includes(id))
    .some((parent) => (done.get(parent.id) ?? 0) < parent.records.length || isWaiting({ stream, done }, parent));
