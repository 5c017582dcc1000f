import type { Pipeline } from "millrace";
import { MemoryChangelog, MemoryObjects } from "millrace/testing";
import { kinesisDecoder } from "../../lib/connectors/kinesis/decode.ts";
import { compileStage } from "../../lib/plan/compile.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { CatchUp } from "../../lib/runtime/catch-up.ts";
import { CommitWriter, type WriterLimits } from "../../lib/runtime/commit-writer.ts";
import { DEAD_LETTERS, type DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { Delivery } from "../../lib/runtime/delivery.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import type { Delivery as Item, Refusal, SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { Task } from "../../lib/runtime/task.ts";
import { TICKS, type ControlMessage } from "../../lib/runtime/tick.ts";
import type { Changelog } from "../../lib/state/changelog.ts";
import { decodeCommit } from "../../lib/state/commit.ts";
import { Counters, type OperatorCounts } from "../../lib/state/counters.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import { taskName, type TaskId } from "../../lib/state/task-id.ts";

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
  readonly limits?: WriterLimits;
  /** @default "test" */
  readonly build?: string;
}

/** Limits at which every commit is spilled, and a checkpoint follows as soon as it may. */
export const SMALL_LIMITS: WriterLimits = { spill: 0, shortLog: 0, checkpoint: 0 };

/** A pipeline's stage on stores in memory, on a clock that stands still until it is set. */
export class Rig {
  readonly changelog = new MemoryChangelog();
  readonly objects = new MemoryObjects();
  readonly sinks = new Map<string, RecordingSink>();
  readonly reports: TurnReport[] = [];
  readonly notices: string[] = [];
  now = 1_000_000;
  atTip = true;
  readonly #pipeline: Pipeline;
  #nonces = 0;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    for (const { name } of [...planStages(pipeline)[0]!.sinks, { name: DEAD_LETTERS }, { name: TICKS }])
      this.sinks.set(name, new RecordingSink());
  }

  idOf(partition = "shardId-000000000000"): TaskId {
    const [stage] = planStages(this.#pipeline);
    return {
      pipeline: this.#pipeline.name,
      generation: 0,
      stage: stage!.name,
      source: stage!.source.name,
      incarnation: 0,
      partition,
    };
  }

  /** A new process that has the task: it knows nothing. */
  task(options: RigOptions = {}): Task {
    const [stage] = planStages(this.#pipeline);
    const id = this.idOf(options.partition);
    const changelog = options.wrapChangelog?.(this.changelog) ?? this.changelog;
    const objects = options.wrapObjects?.(this.objects) ?? this.objects;
    const program = compileStage(this.#pipeline, stage!);
    const newNonce = () => `nonce-${++this.#nonces}`;
    const writers = new Map(
      [...this.sinks].map(([name, sink]) => [name, options.wrapSink?.(name, sink) ?? sink] as const),
    );
    return new Task({
      id,
      fold: {
        origin: { pipeline: id.pipeline, stage: id.stage, task: taskName(id), partition: id.partition },
        program,
        source: id.source,
        decode: kinesisDecoder(stage!.source),
        disorder: stage!.source.disorder,
        poisonShare: this.#pipeline.poison.share,
        build: options.build ?? "test",
      },
      idle: stage!.source.idle,
      isAtTip: async () => this.atTip,
      catchUp: new CatchUp(changelog, objects),
      writer: new CommitWriter({
        changelog,
        objects,
        shapes: program.shapes,
        build: options.build ?? "test",
        newNonce,
        ...(options.limits && { limits: options.limits }),
      }),
      delivery: new Delivery(changelog, writers),
      observer: { turn: (report) => this.reports.push(report), notice: (_task, what) => this.notices.push(what) },
      now: () => this.now,
      newNonce,
    });
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

  /** The task's counters, as its head commit says. */
  async counters(partition?: string): Promise<Map<string, OperatorCounts>> {
    const name = taskName(this.idOf(partition));
    const { commits } = await this.changelog.newest(name, { from: 1, limit: 1 });
    const [head] = commits;
    const counters = new Counters();
    if (head !== undefined) {
      const body = head.body instanceof Uint8Array ? head.body : (await this.objects.get(head.body.key))!;
      counters.restore(decodeCommit(head, body, name).header.counters);
    }
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
