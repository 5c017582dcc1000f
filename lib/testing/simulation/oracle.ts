import type { OperatorContext, Unit, UnitDescription } from "../../operators/operator.ts";
import type { StageInstance, StageProgram } from "../../operators/program.ts";
import type { DecodedRecord } from "../../runtime/record.ts";
import type { Output } from "../../state/commit.ts";
import { TaskState } from "../../state/task-state.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../time/instant.ts";

interface KeyRun {
  /** Which operator was at work last. */
  operator: string;
  readonly state: TaskState;
  readonly stage: StageInstance;
  readonly outputs: Output[];
}

/**
 * What a program makes of records when nothing goes wrong: folded key by key, without tasks, commits, batches or
 * shards. Nothing is ever written or read back.
 */
export class Oracle {
  readonly #program: StageProgram;
  readonly #keys = new Map<string, KeyRun>();
  /** Panes and timers that threw, each as one text. */
  readonly deadUnits: string[] = [];

  constructor(program: StageProgram) {
    this.#program = program;
  }

  /**
   * Folds a record.
   *
   * @param watermark that of the record's task, before the record
   * @throws what the program throws; nothing has changed then
   */
  fold(record: DecodedRecord, watermark: number): void {
    const run = this.#runOf(record.keyCode);
    this.#advance(run, watermark);
    const sent = run.outputs.length;
    run.state.beginUnit();
    try {
      run.stage.push(record.value, record);
    } catch (thrown) {
      run.state.undoUnit();
      run.outputs.length = sent;
      throw thrown;
    }
  }

  /** Ends event time. */
  finish(): void {
    for (const run of this.#keys.values()) this.#advance(run, END_OF_TIME);
  }

  /** By sink: how often each row was sent. */
  rows(): Map<string, Map<string, number>> {
    const sinks = new Map<string, Map<string, number>>();
    for (const { outputs } of this.#keys.values()) {
      for (const { sink, body } of outputs) {
        let rows = sinks.get(sink);
        if (rows === undefined) sinks.set(sink, (rows = new Map<string, number>()));
        rows.set(body, (rows.get(body) ?? 0) + 1);
      }
    }
    return sinks;
  }

  /** Counters by name, over all keys. */
  counters(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { state } of this.#keys.values()) {
      for (const [name, n] of state.counters.snapshot()) sums.set(name, (sums.get(name) ?? 0) + n);
    }
    return sums;
  }

  #advance(run: KeyRun, watermark: number): void {
    if (watermark <= run.state.watermark) return;
    for (const operator of run.stage.timed) {
      if (operator.nextDue() > watermark) continue;
      for (const unit of operator.closeUpTo(watermark)) this.#run(run, unit);
    }
    run.state.watermark = watermark;
  }

  #run(run: KeyRun, unit: Unit): void {
    const { state, outputs } = run;
    const sent = outputs.length;
    state.beginUnit();
    try {
      unit.run();
    } catch {
      state.undoUnit();
      outputs.length = sent;
      const { key, about } = unit.describe();
      this.deadUnits.push(unitText(run.operator, Object.values(key).map(String), about));
      state.counters.countForGood(`${unit.operator} dead`);
    }
  }

  #runOf(keyCode: string): KeyRun {
    const known = this.#keys.get(keyCode);
    if (known !== undefined) return known;
    const state = new TaskState();
    state.watermark = BEFORE_ALL_TIME;
    const outputs: Output[] = [];
    const context: OperatorContext = {
      state,
      now: () => Number.NaN, // its pipelines have no timers in processing time
      enter: (operator) => (entered.operator = operator),
      count: (operator, field) => state.counters.count(`${operator} ${field}`),
      send: (sink, body) => outputs.push({ sink, body }),
    };
    const entered: KeyRun = { operator: "", state, outputs, stage: this.#program.bind(context) };
    this.#keys.set(keyCode, entered);
    return entered;
  }
}

/** A pane or timer as one text. */
export const unitText = (operator: string, key: readonly string[], about: UnitDescription["about"]): string =>
  `${operator} ${JSON.stringify(key)} ${JSON.stringify(about)}`;
