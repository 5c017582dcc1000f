import type { Pipeline } from "millrace";
import { MemoryChangelog, MemoryObjects } from "millrace/testing";
import { kinesisFormat } from "../../lib/connectors/kinesis/decode.ts";
import { compileStage } from "../../lib/plan/compile.ts";
import { planStages, sourceOf, type Stage } from "../../lib/plan/stage.ts";
import type { WriterLimits } from "../../lib/runtime/commit-writer.ts";
import { DEAD_LETTERS, type DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { Lookups } from "../../lib/runtime/enrichment.ts";
import type { Measure, Span, TurnReport } from "../../lib/runtime/observer.ts";
import { sourceIntake } from "../../lib/runtime/intake.ts";
import type { IncomingRecord, RecordDecoder, RecordFormat } from "../../lib/runtime/record.ts";
import type { Delivery as Item, Refusal, SinkWriter } from "../../lib/runtime/sink-writer.ts";
import type { Partition } from "../../lib/state/partition.ts";
import { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import type { Trigger } from "../../lib/runtime/task.ts";
import { TICKS, type ControlMessage } from "../../lib/runtime/tick.ts";
import type { Changelog } from "../../lib/state/changelog.ts";
import { decodeCommit, isWhole } from "../../lib/state/commit.ts";
import { Counters, type OperatorCounts } from "../../lib/state/counters.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import { taskName, type TaskId } from "../../lib/state/task-id.ts";
import { TaskState, type TableDeltas, type TaskHeader } from "../../lib/state/task-state.ts";

/** What a sink received, every attempt of it. */
export class RecordingSink implements SinkWriter {
  readonly received: Item[] = [];

  async deliver(items: readonly Item[]): Promise<readonly Refusal[]> {
    this.received.push(...items);
    return [];
  }

  /** By id: what a reader sees that hides repeats. Fails when one id came with two contents (X4). */
  distinct(): ReadonlyMap<string, string> {
    const rows = new Map<string, string>();
    for (const { id, body } of this.received) {
      if (rows.has(id) && rows.get(id) !== body) throw new Error(`X4 broken: ${id} was sent with two contents`);
      rows.set(id, body);
    }
    return rows;
  }

  rows<R>(): R[] {
    return [...this.distinct().values()].map((body) => JSON.parse(body) as R);
  }
}

export interface RigOptions {
  readonly wrapChangelog?: (changelog: Changelog) => Changelog;
  readonly wrapObjects?: (objects: ObjectStore) => ObjectStore;
  readonly wrapSink?: (name: string, sink: SinkWriter) => SinkWriter;
  readonly partition?: string;
  readonly decode?: RecordDecoder;
  /** In place of Kinesis's. */
  readonly format?: RecordFormat;
  readonly limits?: WriterLimits;
  /** @default no tables, and no lookup's time is ever up */
  readonly lookups?: Partial<Lookups>;
  /** @default what was deployed last */
  readonly build?: string;
}

const untilAborted = (_millis: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve()));

/** Limits at which every commit is spilled, and a checkpoint follows as soon as it may, of runs of small blocks. */
export const SMALL_LIMITS: WriterLimits = { spill: 0, shortLog: 0, checkpoint: 0, run: { entries: 1, block: 24 } };

/** The shard of tests that need one only. */
export const SHARD = "shardId-000000000000";

/** Milliseconds after which a record that comes alone is suspect. */
export const SUSPECT_AFTER = 60_000;

/** A task as tests give it turns. */
export interface RigTask {
  turn(trigger: Trigger): Promise<TurnReport>;
}

/** A pipeline's stage on stores in memory, on a clock that stands still until it is set. */
export class Rig {
  readonly changelog = new MemoryChangelog();
  readonly objects = new MemoryObjects();
  readonly sinks = new Map<string, RecordingSink>();
  readonly reports: TurnReport[] = [];
  readonly notices: string[] = [];
  /** What metrics added up to, by commit, as processes told it. */
  readonly measured: { readonly epoch: number; readonly measures: readonly Measure[] }[] = [];
  /** What processes told of traced commits. */
  readonly spans: Span[] = [];
  now = 1_000_000;
  atTip = true;
  /** Where shards differ: whether one holds nothing after a sequence number. */
  tipOf: ((partition: string, sequence: string) => boolean) | undefined = undefined;
  /** What the source lists. */
  readonly partitions: Partition[] = [{ id: SHARD, parents: [], range: WHOLE_RANGE }];
  decode!: RecordDecoder;
  #pipeline!: Pipeline;
  #build!: string;
  #nonces = 0;

  constructor(pipeline: Pipeline) {
    this.deploy(pipeline, "test");
  }

  /** Processes that are made from now on run this pipeline. */
  deploy(pipeline: Pipeline, build: string): void {
    this.#pipeline = pipeline;
    this.#build = build;
    this.decode = kinesisFormat(sourceOf(planStages(pipeline)[0]!)).decode;
    for (const { name } of [...planStages(pipeline)[0]!.sinks, { name: DEAD_LETTERS }, { name: TICKS }])
      if (!this.sinks.has(name)) this.sinks.set(name, new RecordingSink());
  }

  /** For what leads to another stage: it is kept, and goes nowhere. */
  addSink(name: string): void {
    this.sinks.set(name, new RecordingSink());
  }

  get #stage(): Stage {
    return planStages(this.#pipeline)[0]!;
  }

  idOf(partition = SHARD): TaskId {
    const { name, input } = this.#stage;
    return {
      pipeline: this.#pipeline.name,
      generation: 0,
      stage: name,
      source: input.name,
      incarnation: 0,
      partition,
    };
  }

  #format({ decode = this.decode, format }: RigOptions): RecordFormat {
    return format ?? { ...kinesisFormat(sourceOf(this.#stage)), decode };
  }

  /** A new process: it knows nothing. */
  process(options: RigOptions = {}): StageRuntime {
    const stage = this.#stage;
    const { pipeline, generation, source, incarnation } = this.idOf();
    const build = options.build ?? this.#build;
    return new StageRuntime({
      stage: {
        pipeline,
        generation,
        stage: stage.name,
        source,
        incarnation,
        program: compileStage(this.#pipeline, stage),
        intake: sourceIntake(source, this.#format(options), sourceOf(stage).disorder, sourceOf(stage).trace),
        idle: sourceOf(stage).idle,
        poisonShare: this.#pipeline.poison.share,
      },
      build,
      changelog: options.wrapChangelog?.(this.changelog) ?? this.changelog,
      objects: options.wrapObjects?.(this.objects) ?? this.objects,
      writers: new Map([...this.sinks].map(([name, sink]) => [name, options.wrapSink?.(name, sink) ?? sink] as const)),
      partitions: {
        list: async () => this.partitions,
        isAtTip: async (partition, sequence) => this.tipOf?.(partition, sequence) ?? this.atTip,
      },
      observer: {
        turn: (report) => this.reports.push(report),
        measured: (_task, epoch, measures) => this.measured.push({ epoch, measures }),
        traced: (_task, _epoch, spans) => this.spans.push(...spans),
        notice: (_task, what) => this.notices.push(what),
      },
      now: () => this.now,
      lookups: { tables: new Map(), wait: untilAborted, ...options.lookups },
      newNonce: () => `nonce-${++this.#nonces}`,
      suspectAfter: SUSPECT_AFTER,
      ...(options.limits && { limits: options.limits }),
    });
  }

  /** One task in a new process. */
  task(options: RigOptions = {}): RigTask {
    const partition = options.partition ?? SHARD;
    const process = this.process(options);
    if (!this.partitions.some(({ id }) => id === partition)) {
      this.partitions.push({ id: partition, parents: [], range: WHOLE_RANGE });
    }
    const task = taskName(this.idOf(partition));
    return {
      turn: async (trigger) => {
        if (trigger.kind === "records") return process.records(partition, trigger.records);
        const message: ControlMessage =
          trigger.kind === "tick" ? { type: "tick", task, id: trigger.id, at: 0 } : { type: trigger.kind, task };
        return (await process.control(message))!;
      },
    };
  }

  rows<R>(sink: string): R[] {
    return this.sinks.get(sink)!.rows<R>();
  }

  deadLetters(): DeadLetter[] {
    return [...this.sinks.get(DEAD_LETTERS)!.distinct()].map(([id, body]) => ({
      ...(JSON.parse(body) as DeadLetter),
      id,
    }));
  }

  ticks(): Extract<ControlMessage, { type: "tick" }>[] {
    return this.rows(TICKS);
  }

  /** The task's header, as its head commit says; nothing without a commit. */
  async header(partition?: string): Promise<(TaskHeader & { readonly epoch: number }) | undefined> {
    const name = taskName(this.idOf(partition));
    const [head] = (await this.changelog.newest(name, { from: 1, limit: 1 })).commits;
    if (head === undefined) return undefined;
    const body = head.body instanceof Uint8Array ? head.body : (await this.objects.get(head.body.key))!;
    return { ...decodeCommit(head, body, name).header, epoch: head.epoch };
  }

  /** The task's tables, as a process that knows nothing finds them. */
  async tables(partition?: string): Promise<TableDeltas> {
    const state = new TaskState();
    const name = taskName(this.idOf(partition));
    const { commits } = await this.changelog.newest(name, { from: 1, limit: 1_000_000 });
    for (const stored of commits.toReversed()) {
      const body = stored.body instanceof Uint8Array ? stored.body : (await this.objects.get(stored.body.key))!;
      const { header, tables } = decodeCommit(stored, body, name);
      state.apply(header, tables, isWhole(stored));
    }
    return state.snapshot();
  }

  /** The task's counters, as its head commit says. */
  async counters(partition?: string): Promise<Map<string, OperatorCounts>> {
    const counters = new Counters();
    const header = await this.header(partition);
    if (header !== undefined) counters.restore(header.counters);
    return counters.byOperator();
  }
}

/** A record as the mapping would hand it over. */
export function record(
  sequence: number | string,
  value: unknown,
  options: { key?: string; arrival?: number; raw?: Buffer } = {},
): IncomingRecord {
  return {
    position: { sequence: String(sequence), index: 0 },
    arrival: options.arrival ?? 1_000_000,
    partitionKey: options.key ?? (value as { key?: string }).key ?? "k",
    base64: (options.raw ?? Buffer.from(JSON.stringify(value))).toString("base64"),
  };
}
