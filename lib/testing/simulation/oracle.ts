import type { OperatorContext, Unit, UnitDescription } from "../../operators/operator.ts";
import type { StageInstance, StageProgram } from "../../operators/program.ts";
import { KILLED, type DeadLetter } from "../../runtime/dead-letter.ts";
import { unitIn } from "../../runtime/redriven-unit.ts";
import type { DecodedRecord } from "../../runtime/record.ts";
import { outputOf, type Output } from "../../state/commit.ts";
import { TaskState } from "../../state/task-state.ts";
import { NO_TRACES } from "../../state/traceparent.ts";
import { BROKEN_BUILD, nameOfUnit } from "./broken-build.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../time/instant.ts";

interface KeyRun {
  /** Which operator was at work last. */
  operator: string;
  readonly state: TaskState;
  readonly stage: StageInstance;
  readonly outputs: Output[];
}

/** A decoded value, and where in the stage it enters. */
export interface Entering extends DecodedRecord {
  readonly entry: string;
}

/** When something is folded again: in which commit, and how far the task was. */
export interface Moment {
  /** The commit's place among its stage's. */
  readonly index: number;
  /** The task's watermark, for the key, before the commit, and before the record. */
  readonly start: number;
  readonly watermark: number;
  /** Whether the build that made the commit throws on a window or timer ({@link unitName}). */
  readonly throws: (unit: string) => boolean;
}

/**
 * What a program makes of records when nothing goes wrong: folded key by key, without tasks, commits, batches or
 * shards. Nothing is ever written or read back.
 */
export class Oracle {
  readonly #program: StageProgram;
  /** Per window or timer, the commits in which a broken build threw on it, that it was not yet found to be due in. */
  readonly #broken: Map<string, number[]>;
  readonly #keys = new Map<string, KeyRun>();
  /** Panes and timers that threw, each as one text; but for those of broken builds. */
  readonly deadUnits: string[] = [];

  /**
   * @param broken by what a broken build threw on when it was due ({@link unitName}), in which commits. A timer can be set
   *   again for the same time, and be due once more
   */
  constructor(program: StageProgram, broken: ReadonlyMap<string, readonly number[]>) {
    this.#program = program;
    this.#broken = new Map([...broken].map(([unit, commits]) => [unit, [...commits]]));
  }

  /**
   * Folds a record.
   *
   * @throws what the program throws; nothing has changed then
   */
  fold(record: Entering, moment: Moment): void {
    const run = this.#runOf(record.keyCode);
    this.#advanceTo(run, moment);
    const sent = run.outputs.length;
    run.state.beginUnit();
    try {
      run.stage.enter(record.entry)!(record.value, record);
    } catch (thrown) {
      run.state.undoUnit();
      run.outputs.length = sent;
      throw thrown;
    }
    this.#advanceTo(run, moment); // what it set for a time that has passed
  }

  /**
   * Runs once more what had become a dead letter: a window, or a timer.
   *
   * @param code why it became a dead letter once more, if it did
   */
  runAgain(letter: DeadLetter, moment: Moment, code: string | undefined): void {
    const run = this.#runOf(letter.unit!.keyCode);
    this.#advanceTo(run, moment);
    run.operator = letter.operator;
    const unit = unitIn(letter, this.#program, run.stage)!; // its builds take nothing out
    if (code === BROKEN_BUILD) countDead(run, unit);
    else if (code === KILLED) this.#bury(run, unit);
    else this.#run(run, unit);
  }

  /** Ends event time. @returns what a broken build threw on more often than it was due */
  finish(): readonly string[] {
    for (const run of this.#keys.values()) {
      this.#advance(run, END_OF_TIME, (unit) => this.#wasBroken(unit, Number.POSITIVE_INFINITY));
      run.stage.flush();
    }
    return [...this.#broken].flatMap(([unit, commits]) => (commits.length > 0 ? unit : []));
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

  /** What is due before the commit was run by earlier ones; what is due since then, by the commit's own build. */
  #advanceTo(run: KeyRun, { index, start, watermark, throws }: Moment): void {
    this.#advance(run, start, (unit) => this.#wasBroken(unit, index - 1));
    this.#advance(run, watermark, (unit) => throws(unit) && this.#wasBroken(unit, index));
  }

  /** Whether a broken build threw on what was due in one of the commits up to this one. */
  #wasBroken(unit: string, last: number): boolean {
    const commits = this.#broken.get(unit);
    if (commits === undefined || commits.length === 0 || commits[0]! > last) return false;
    commits.shift();
    return true;
  }

  #advance(run: KeyRun, watermark: number, isBroken: (unit: string) => boolean): void {
    if (watermark < run.state.watermark) return;
    for (const operator of run.stage.timed) {
      if (operator.nextDue() > watermark) continue;
      for (const unit of operator.closeUpTo(watermark)) {
        if (isBroken(nameOfUnit(unit))) countDead(run, unit);
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
      measure: () => undefined,
      send: (sink, body) => outputs.push(outputOf(sink, body)),
      traces: () => NO_TRACES,
      traced: (_traces, work) => work(),
    };
    const entered: KeyRun = { operator: "", state, outputs, stage: this.#program.bind(context) };
    this.#keys.set(keyCode, entered);
    return entered;
  }
}

const countDead = ({ state }: KeyRun, { operator }: Unit): void => state.counters.of(operator).dead.addForGood();

/** A pane or timer as one text. */
export const unitText = (operator: string, key: readonly string[], about: UnitDescription["about"]): string =>
  `${operator} ${JSON.stringify(key)} ${JSON.stringify(about)}`;
