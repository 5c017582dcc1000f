import { runnableStage } from "../../connectors/runnable-stage.ts";
import { Measures } from "../../operators/measures.ts";
import type { Pipeline } from "../../pipeline/topology.ts";
import { planStages, producersOf, type Stage } from "../../plan/stage.ts";
import type { Measure, Span } from "../../runtime/observer.ts";
import { recordFor, recordsOf } from "../../runtime/shuffle/writer.ts";
import type { Delivery } from "../../runtime/sink-writer.ts";
import { TICKS, ticksOf, type ControlMessage } from "../../runtime/tick.ts";
import type { Output } from "../../state/commit.ts";
import { outputId } from "../../state/task-id.ts";
import { MemoryStream } from "../memory-stream.ts";
import { DriverLookups } from "./driver-lookups.ts";
import { DriverTask } from "./driver-task.ts";

type Tick = Extract<ControlMessage, { readonly type: "tick" }>;

/** A stage as it is driven: its stream, what is left of it to be read, its tasks and the ticks that are to come. */
export class DriverStage {
  readonly stage: Stage;
  readonly stream: MemoryStream;
  /** In the order of the stream's shards. */
  readonly tasks: readonly DriverTask[];
  waiting: Tick[] = [];

  constructor(stage: Stage, stream: MemoryStream, taskOf: (shard: MemoryStream["shards"][number]) => DriverTask) {
    this.stage = stage;
    this.stream = stream;
    this.tasks = stream.shards.map(taskOf);
  }

  /** Has each task begin that has not. */
  wake(now: number): void {
    for (const { name: task } of this.tasks) this.waiting.push({ type: "tick", task, id: "sweep", at: now });
  }

  /** Reads what the stream holds, and gives the ticks that are due. @returns whether there was anything */
  run(now: number): boolean {
    let isBusy = false;
    this.stream.shards.forEach(({ records }, i) => {
      if (records.length === 0) return;
      isBusy = true;
      this.tasks[i]!.records(records);
      records.length = 0; // when it threw they come again
    });
    if (!this.waiting.some(({ at }) => at <= now)) return isBusy;
    const due = this.waiting.filter(({ at }) => at <= now);
    this.waiting = this.waiting.filter(({ at }) => at > now);
    for (const { task, id } of due) this.tasks.find(({ name }) => name === task)!.tick(id);
    return true;
  }
}

/**
 * All stages of a pipeline, run one after the other and done when a call returns: `MemoryPipeline` without stores and
 * without promises. Each record is a batch of its own.
 */
export class DriverRun {
  readonly stages: ReadonlyMap<string, DriverStage>;
  /** What each sink received, `$dead-letters` among them, and was not taken out. */
  readonly delivered = new Map<string, Delivery[]>();
  /** What metrics have added up to since the beginning. */
  readonly measures = new Measures();
  /** Of the commits that were traced, in their order. */
  readonly spans: Span[] = [];
  readonly lookups = new DriverLookups(() => this.now);
  /** Epoch milliseconds. */
  now: number;

  constructor(pipeline: Pipeline, { start, shards }: { readonly start: number; readonly shards: number }) {
    this.now = start;
    const now = () => this.now;
    this.stages = new Map(
      planStages(pipeline).map((stage) => {
        const runnable = runnableStage(pipeline, stage, { generation: 0, incarnation: 0 });
        const stream = new MemoryStream(shards, now);
        const roots = stream.shards.map(({ id }) => id);
        const deliver = (task: string, epoch: number, outputs: readonly Output[]) =>
          this.#deliver(stage.name, task, epoch, outputs);
        const measured = (measures: readonly Measure[]) => {
          this.measures.begin(); // what was committed is undone no more
          for (const measure of measures) this.measures.add(measure);
        };
        const traced = (span: Span) => this.spans.push(span);
        const taskOf = (partition: MemoryStream["shards"][number]) =>
          new DriverTask({ stage: runnable, partition, roots, lookups: this.lookups, now, deliver, measured, traced });
        return [stage.name, new DriverStage(stage, stream, taskOf)];
      }),
    );
  }

  /** Does what there is to do now. */
  run(): void {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const stage of this.stages.values()) isBusy = stage.run(this.now) || isBusy;
    }
  }

  /** Lets time pass, and gives each tick that falls due in between at its time. */
  advance(millis: number): void {
    const end = this.now + millis;
    for (;;) {
      this.run();
      const next = Math.min(...[...this.stages.values()].flatMap(({ waiting }) => waiting.map(({ at }) => at)));
      if (next > end) break;
      this.now = Math.max(this.now, next);
    }
    this.now = end;
  }

  /** Says that the input has ended. */
  drain(): void {
    for (const { stage, tasks } of this.stages.values()) {
      if (stage.input.kind === "source") for (const task of tasks) task.drain();
    }
    this.run();
  }

  restart(): void {
    this.lookups.restart();
    for (const { tasks } of this.stages.values()) for (const task of tasks) task.restart();
  }

  #deliver(stage: string, task: string, epoch: number, outputs: readonly Output[]): void {
    const shuffled = new Map<string, Delivery[]>();
    outputs.forEach(({ sink, body }, n) => {
      if (sink === TICKS) {
        this.stages.get(stage)!.waiting.push(JSON.parse(body) as Tick);
        return;
      }
      const woken = producersOf(this.stages.get(stage)!.stage).find((producer) => sink === ticksOf(producer));
      if (woken !== undefined) return this.stages.get(woken)!.wake(this.now);
      const deliveries = this.stages.has(sink) ? shuffled : this.delivered;
      const delivery = { id: outputId(task, epoch, n), body };
      const all = deliveries.get(sink);
      if (all === undefined) deliveries.set(sink, [delivery]);
      else all.push(delivery);
    });
    for (const [reader, deliveries] of shuffled) {
      const { stream } = this.stages.get(reader)!;
      const { elements, broadcast, news } = recordsOf(deliveries);
      for (const record of elements) stream.take(record);
      for (const text of [...broadcast, ...news])
        for (const shard of stream.shards) stream.take(recordFor(shard, text));
    }
  }
}
