import type { OperatorContext, Unit, UnitDescription } from "../../operators/operator.ts";
import type { StageInstance, StageProgram } from "../../operators/program.ts";
import { KILLED, type DeadLetter } from "../../runtime/dead-letter.ts";
import { unitIn } from "../../runtime/redriven-unit.ts";
import type { Entering } from "../../runtime/intake.ts";
import type { Output } from "../../state/commit.ts";
import { TaskState } from "../../state/task-state.ts";
import { BROKEN_BUILD, nameOfUnit } from "./broken-build.ts";
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
  readonly #broken: ReadonlySet<string>;
  readonly #keys = new Map<string, KeyRun>();
  /** Panes and timers that threw, each as one text; but for those of broken builds. */
  readonly deadUnits: string[] = [];

  /** @param broken what a broken build threw on when it was due ({@link unitName}) */
  constructor(program: StageProgram, broken: ReadonlySet<string>) {
    this.#program = program;
    this.#broken = broken;
  }

  /**
   * Folds a record.
   *
   * @param watermark that of the record's task, before the record
   * @throws what the program throws; nothing has changed then
   */
  fold(record: Entering, watermark: number): void {
    const run = this.#runOf(record.keyCode);
    this.#advance(run, watermark);
    const sent = run.outputs.length;
    run.state.beginUnit();
    try {
      run.stage.enter(record.entry)!(record.value, record);
    } catch (thrown) {
      run.state.undoUnit();
      run.outputs.length = sent;
      throw thrown;
    }
    this.#advance(run, watermark); // what it set for a time that has passed
  }

  /**
   * Runs once more what had become a dead letter: a window, or a timer.
   *
   * @param watermark that of the task that takes it back
   * @param code why it became a dead letter once more, if it did
   */
  runAgain(letter: DeadLetter, watermark: number, code: string | undefined): void {
    const run = this.#runOf(letter.unit!.keyCode);
    this.#advance(run, watermark);
    run.operator = letter.operator;
    const unit = unitIn(letter, this.#program, run.stage)!; // its builds take nothing out
    if (code === BROKEN_BUILD) countDead(run, unit);
    else if (code === KILLED) this.#bury(run, unit);
    else this.#run(run, unit);
  }

  /** Ends event time. */
  finish(): void {
    for (const run of this.#keys.values()) {
      this.#advance(run, END_OF_TIME);
      run.stage.flush();
    }
  }

  /** By sink, or by the stage that reads: how often each row was sent. */
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
    if (watermark < run.state.watermark) return;
    for (const operator of run.stage.timed) {
      if (operator.nextDue() > watermark) continue;
      for (const unit of operator.closeUpTo(watermark)) {
        if (this.#broken.has(nameOfUnit(unit))) countDead(run, unit);
        else this.#run(run, unit);
      }
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
      this.#bury(run, unit);
    }
  }

  #bury(run: KeyRun, unit: Unit): void {
    const { key, about } = unit.describe();
    this.deadUnits.push(unitText(run.operator, Object.values(key).map(String), about));
    countDead(run, unit);
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
      answerOf: () => undefined, // nor does any of them look anything up
      enter: (operator) => (entered.operator = operator),
      count: (operator, field, n) => state.counters.count(`${operator} ${field}`, n),
      measure: () => undefined,
      send: (sink, body) => outputs.push({ sink, body }),
    };
    const entered: KeyRun = { operator: "", state, outputs, stage: this.#program.bind(context) };
    this.#keys.set(keyCode, entered);
    return entered;
  }
}

const countDead = ({ state }: KeyRun, { operator }: Unit): void => state.counters.countForGood(`${operator} dead`);

/** A pane or timer as one text. */
export const unitText = (operator: string, key: readonly string[], about: UnitDescription["about"]): string =>
  `${operator} ${JSON.stringify(key)} ${JSON.stringify(about)}`;
