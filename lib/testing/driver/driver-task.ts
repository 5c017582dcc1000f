import { endFold } from "../../runtime/end-fold.ts";
import { LoadedTask } from "../../runtime/loaded-task.ts";
import type { Measure, Span } from "../../runtime/observer.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import { commitSpan } from "../../runtime/spans.ts";
import type { RunnableStage } from "../../runtime/stage-runtime.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../state/checkpoint.ts";
import type { Output } from "../../state/commit.ts";
import type { Partition } from "../../state/partition.ts";
import { taskName, type TaskId } from "../../state/task-id.ts";
import type { TaskState } from "../../state/task-state.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../time/instant.ts";
import type { DriverLookups } from "./driver-lookups.ts";

const BUILD = "driver";

export interface DriverTaskSettings {
  readonly stage: RunnableStage;
  readonly partition: Partition;
  /** All partitions of the stage. */
  readonly roots: readonly string[];
  readonly lookups: DriverLookups;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Is given a commit's outputs. */
  readonly deliver: (task: string, epoch: number, outputs: readonly Output[]) => void;
  /** Is given what a commit's metrics add up to. */
  readonly measured: (measures: readonly Measure[]) => void;
  /** Is given the span of a commit that is traced. */
  readonly traced: (span: Span) => void;
}

/**
 * A task without stores: the turns of `runtime/task.ts`, each done when it returns, on a state that nobody else writes.
 * When a tick comes its partition has been read to the end.
 */
export class DriverTask {
  readonly name: string;
  readonly partition: Partition;
  readonly #settings: DriverTaskSettings;
  readonly #id: TaskId;
  #task: LoadedTask;
  #ticks = 0;

  constructor(settings: DriverTaskSettings) {
    const { pipeline, generation, stage, source, incarnation } = settings.stage;
    this.#settings = settings;
    this.partition = settings.partition;
    this.#id = { pipeline, generation, stage, source, incarnation, partition: settings.partition.id };
    this.name = taskName(this.#id);
    this.#task = this.#begin();
    this.#task.roots = settings.roots;
    this.#task.state.range = settings.partition.range;
  }

  get state(): TaskState {
    return this.#task.state;
  }

  /** How many commits there were. */
  get epoch(): number {
    return this.#task.epoch;
  }

  /** @throws what {@link DriverLookups.answersFor} throws; then nothing was done, and they may come again */
  records(records: readonly IncomingRecord[]): void {
    this.#prepare(records);
    this.#turn(() => {
      const { fold } = this.#task;
      const folded = fold.records(records);
      this.#task.isSilent = fold.readsShuffle && fold.isSilent();
      return folded > 0;
    });
  }

  tick(id: string): void {
    const { stage, now } = this.#settings;
    const mustOpen = this.#task.epoch === 0 && this.#task.fold.hasReaders;
    this.#turn(() => {
      const { state, fold } = this.#task;
      if (state.tick?.id !== id) return mustOpen; // X12
      state.tick = undefined;
      const silence = now() - state.arrival;
      const isSilent = fold.isSilent() && silence >= stage.idle;
      if (isSilent && state.recordWatermark !== BEFORE_ALL_TIME) fold.advance(state.recordWatermark + silence);
      if (!fold.readsShuffle) this.#task.isSilent = isSilent;
      return true;
    });
  }

  drain(): void {
    this.#turn(() => {
      const { state, fold } = this.#task;
      if (state.watermark === END_OF_TIME) return false;
      fold.advance(END_OF_TIME);
      return true;
    });
  }

  /** Goes on with its state as it comes out of storage. @throws systemic errors for what this build refuses to read */
  restart(): void {
    if (this.#task.epoch === 0) return; // there is nothing in storage
    const { stage, now } = this.#settings;
    const { state, epoch } = this.#task;
    const { shapes } = stage.program;
    const content = { shapes, header: state.header(), tables: state.snapshot() };
    const envelope = { key: `${this.name}/${epoch}`, build: BUILD, epoch, at: now(), written: 0, caughtUp: 0 };
    const { body, pointer } = encodeCheckpoint(this.name, content, envelope);
    const stored = decodeCheckpoint(this.name, pointer, body);
    const task = this.#begin();
    task.startFrom(pointer, BUILD, stored);
    this.#task = task;
  }

  #begin(): LoadedTask {
    const { stage, partition } = this.#settings;
    const origin = { pipeline: stage.pipeline, stage: stage.stage, task: this.name, partition: partition.id };
    return new LoadedTask({ ...stage, origin, build: BUILD });
  }

  #prepare(records: readonly IncomingRecord[]): void {
    const { stage, lookups } = this.#settings;
    const { preparation } = stage.program;
    if (preparation === undefined) return;
    const units = records.flatMap((record) => stage.intake.unitsOfLetter(record));
    this.#task.fold.answers = lookups.answersFor(preparation, units);
  }

  /** @param fold tells whether there is something to commit */
  #turn(fold: () => boolean): void {
    const { stage, now, deliver, measured, traced } = this.#settings;
    const task = this.#task;
    const woken = task.fold.wake(now());
    task.isSilent = task.fold.readsShuffle ? task.fold.isSilent() : undefined;
    if (!fold() && woken === 0) return;
    const { idle, program } = stage;
    const newNonce = () => String(++this.#ticks);
    const outputs = endFold(task, { id: this.#id, shuffles: program.shuffles, idle, now, newNonce });
    task.state.takeDeltas();
    task.epoch++;
    measured(task.fold.takeMeasures());
    task.fold.takeHotKey(); // a driver reports no turns: it would be kept
    const traces = task.fold.takeTraces();
    const interval = { start: now(), end: now() };
    if (traces !== undefined) traced(commitSpan(this.name, task.epoch, traces, outputs, interval));
    deliver(this.name, task.epoch, outputs);
  }
}
