import { isSystemic } from "../errors.ts";
import type { Measure } from "../operators/metric.ts";
import type { OperatorContext, Unit } from "../operators/operator.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import { outputOf, type Output } from "../state/commit.ts";
import type { OperatorCounters } from "../state/counters.ts";
import { BEFORE_ALL_TIME } from "../time/instant.ts";
import { comparePositions } from "../state/position.ts";
import type { TaskState } from "../state/task-state.ts";
import { NO_TRACES } from "../state/traceparent.ts";
import { deadAgain, deadRecord, deadUnit, reasonOf, type DeadLetter, type DeadLetterOrigin } from "./dead-letter.ts";
import type { TracedCommit } from "./commit-traces.ts";
import { Draft } from "./draft.ts";
import { operatorOfUnit, recordIn, unitIn } from "./redriven-unit.ts";
import type { Answers } from "./enrichment.ts";
import { KeyShares, type HotKey } from "./hot-key.ts";
import { afterSeal, killed, kills, noEntry, recreated } from "./fold-errors.ts";
import type { IncomingUnit, Intake } from "./intake.ts";
import type { IncomingRecord } from "./record.ts";
import { Verdict } from "./verdict.ts";

/** So many records in a row that kill the process are not wrong themselves (X7). */
const KILLED_IN_A_ROW = 3;

export interface FoldSettings {
  readonly origin: DeadLetterOrigin;
  readonly program: StageProgram;
  readonly source: string;
  readonly intake: Intake;
  /** Above this share of poison a task stops. */
  readonly poisonShare: number;
  /** Names this build: another build's poison says nothing of it. */
  readonly build: string;
}

/** Folds records into one task's state, in memory. No I/O, no clock: what it did is the next commit. */
export class Fold {
  readonly #settings: FoldSettings;
  readonly #state: TaskState;
  readonly #stage: StageInstance;
  /** The source's. */
  readonly #counts: OperatorCounters;
  /** What was looked up for the records to come. */
  answers: Answers = new Map();
  readonly #draft: Draft;
  #operator = "";
  #now = Number.NEGATIVE_INFINITY;
  readonly #verdict: Verdict;
  readonly #keys = new KeyShares();

  constructor(settings: FoldSettings, state: TaskState) {
    this.#settings = settings;
    this.#state = state;
    this.#counts = state.counters.of(settings.source);
    this.#draft = new Draft(state);
    this.#verdict = new Verdict(settings.origin.task, settings.poisonShare);
    const context: OperatorContext = {
      state,
      now: () => this.#now,
      answerOf: (operator, key) => this.answers.get(operator)?.get(key),
      enter: (operator) => (this.#operator = operator),
      measure: (measure) => this.#draft.measure(measure),
      send: (sink, body) => this.#draft.send(outputOf(sink, body)),
      traces: () => this.#draft.traces,
      traced: (traces, work) => this.#draft.traced(traces, work),
    };
    this.#stage = settings.program.bind(context);
  }

  /** Adds an output that is no operator's. */
  send(output: Output): void {
    this.#draft.send(output);
  }

  /** The key that most of the records since the last call were of. */
  takeHotKey(): HotKey | undefined {
    return this.#keys.take();
  }

  /** What metrics have summed up since the last call: of the commit that was made. */
  takeMeasures(): readonly Measure[] {
    return this.#draft.takeMeasures();
  }

  /** What is traced of the commit that was made; undefined when nothing is. */
  takeTraces(): TracedCommit | undefined {
    return this.#draft.takeTraces();
  }

  /** Sends on what operators have held back while the commit was made. */
  flush(): void {
    this.#draft.begin();
    this.#stage.flush();
  }

  /** Whether the commit being made has outputs for a sink. */
  sendsTo(sink: string): boolean {
    return this.#draft.sendsTo(sink);
  }

  /**
   * Ends the work for one commit.
   *
   * @returns the outputs since the last call
   * @throws systemic error `poison/systemic`; the state is then of no use any more
   */
  complete(): readonly Output[] {
    this.#verdict.pass(this.#state.poison);
    return this.#draft.takeOutputs();
  }

  /**
   * Folds those records that are above the task's position (X3).
   *
   * @returns how many that were; of a record that packs elements, these, or one
   * @throws systemic error `source/recreated`; the state is then of no use any more
   */
  records(records: readonly IncomingRecord[]): number {
    let fresh = 0;
    for (const record of records) {
      if (this.isNew(record)) fresh += this.#record(record);
      else this.#checkKnown(record);
    }
    return fresh;
  }

  /** Folds what has no place among others: neither position nor arrival move. */
  unordered(unit: IncomingUnit): void {
    this.#foldUnit(unit);
  }

  /** Whether a record is above the task's position (X3). */
  isNew({ position }: IncomingRecord): boolean {
    return comparePositions(position, this.#state.position) > 0;
  }

  /**
   * Sets aside a new record that has killed the process, unseen (X7).
   *
   * @returns how many that were: one
   * @throws systemic error `process/kills` when it is the third in a row
   */
  condemn(record: IncomingRecord): number {
    const { origin, source, poisonShare, intake } = this.#settings;
    const state = this.#state;
    this.#checkOpen(record);
    state.killed++;
    if (state.killed >= KILLED_IN_A_ROW && poisonShare < 1) throw kills(origin.task, record, state.killed);
    this.#verdict.record(true);
    this.#counts.in.addForGood();
    this.#counts.dead.addForGood();
    this.#draft.send(deadRecord(origin, source, record, killed()));
    intake.skip(record, state);
    state.poison.add(true);
    this.#pass(record);
    return 1;
  }

  /**
   * Takes a dead letter back: a unit of its own that moves neither position nor arrival, and of which X10 judges
   * nothing. What fails again is a new dead letter.
   *
   * @returns how many records that were
   * @throws systemic errors of `unitIn`
   */
  redrive(letter: DeadLetter): number {
    const record = recordIn(letter);
    const { intake } = this.#settings;
    if (record !== undefined) for (const unit of intake.unitsOfLetter(record)) this.#push(unit);
    else if (letter.output !== undefined) this.send({ sink: letter.output.sink, body: letter.output.body });
    else {
      const unit = unitIn(letter, this.#settings.program, this.#stage);
      if (unit === undefined) return 0; // it goes, with the rest of what its operator held
      this.#run(unit);
      this.advance(this.#state.watermark);
    }
    return record === undefined ? 0 : 1;
  }

  /** Sets aside once more what was redriven and has killed the process, unseen. @returns how many records that were */
  condemnAgain(letter: DeadLetter): number {
    const { origin, source, program } = this.#settings;
    const whose = letter.unit === undefined ? source : operatorOfUnit(letter, program);
    if (letter.kind === "record") this.#counts.in.addForGood();
    if (letter.kind !== "output" && whose !== undefined) this.#state.counters.of(whose).dead.addForGood();
    this.#draft.send(deadAgain(origin, letter, killed()));
    return letter.kind === "record" ? 1 : 0;
  }

  /** Moves the watermark, and does what is due at it: what was set for a time that has passed, too. It never goes back. */
  advance(to: number): void {
    const { timed, expiring } = this.#stage;
    const watermark = Math.max(to, this.#state.watermark);
    for (const operator of timed) {
      if (operator.nextDue() > watermark) continue;
      for (const unit of operator.closeUpTo(watermark)) this.#verdict.unit(!this.#run(unit));
    }
    if (watermark === this.#state.watermark) return;
    this.#state.watermark = watermark;
    for (const operator of expiring) operator.expireUpTo(watermark);
    if (this.#state.floors.length > 0) this.#state.forgetFloors();
  }

  /**
   * Begins a turn: does what processing time makes due.
   *
   * @param now epoch milliseconds
   * @returns how much that was
   */
  wake(now: number): number {
    this.#now = now;
    if (this.#state.sealed !== undefined) return 0; // it is the heirs' now
    let woken = 0;
    for (const operator of this.#stage.timed) {
      for (const unit of operator.wakeUpTo?.(now) ?? []) {
        this.#verdict.unit(!this.#run(unit));
        woken++;
      }
    }
    if (woken > 0) this.advance(this.#state.watermark);
    return woken;
  }

  /** The least processing time that makes something due; infinity when none does. */
  nextWake(): number {
    const { timed } = this.#stage;
    return timed.reduce((least, operator) => Math.min(least, operator.nextWake?.() ?? least), Number.POSITIVE_INFINITY);
  }

  /** The least watermark that closes something; infinity when nothing is open. */
  nextDue(): number {
    return this.#stage.timed.reduce((least, operator) => Math.min(least, operator.nextDue()), Number.POSITIVE_INFINITY);
  }

  /** Whether those that the task reads from, if they say so themselves, have nothing until something new arrives. */
  isSilent(): boolean {
    return this.#settings.intake.isSilent(this.#state);
  }

  /** Names of the stages that the task reads from and that have not announced themselves to it. */
  missingProducers(): readonly string[] {
    return this.#settings.intake.missingIn(this.#state);
  }

  /** Whether the task reads what other stages have shuffled. */
  get readsShuffle(): boolean {
    return this.#settings.intake.kind === "shuffle";
  }

  /** Whether others read from the stage. */
  get hasReaders(): boolean {
    return this.#settings.program.shuffles.length > 0;
  }

  /** Made once, and not for every record. */
  readonly #foldUnit = (unit: IncomingUnit): void => {
    const isFolded = this.#push(unit);
    this.#verdict.record(!isFolded);
    this.#state.poison.add(!isFolded);
  };

  /** @returns how many units that were, and at least one */
  #record(record: IncomingRecord): number {
    const { intake } = this.#settings;
    const state = this.#state;
    this.#checkOpen(record);
    const units = intake.eachUnit(record, state, this.#foldUnit);
    state.killed = 0;
    this.#pass(record);
    const known = intake.watermarkIn(state);
    if (known !== BEFORE_ALL_TIME || units === 0) this.#follow(known); // else each unit has done it
    return Math.max(units, 1);
  }

  /**
   * A unit of its own (X7). A dead letter moves no event time; its arrival counts, since it shows that the source is not
   * silent. @returns whether it was folded
   */
  #push(unit: IncomingUnit): boolean {
    const { source, intake, origin, program } = this.#settings;
    this.#counts.in.addForGood(unit.records);
    this.#draft.begin();
    this.#operator = source;
    let time: number;
    try {
      const decoded = unit.open();
      this.#draft.trace(decoded.traces ?? NO_TRACES);
      const enter = this.#stage.enter(unit.entry);
      if (enter === undefined) throw noEntry(unit.entry);
      enter(decoded.value, decoded);
      time = decoded.time;
      // What every task has is no key's: more shards would not spread it.
      if (decoded.keyCode !== "" && (program.replicated.size === 0 || !program.replicated.has(unit.entry)))
        this.#keys.add(decoded.key, decoded.keyCode, unit.records);
    } catch (thrown) {
      if (isSystemic(thrown)) throw thrown;
      this.#draft.undo();
      this.#draft.send(deadRecord(origin, this.#operator, unit.record(), thrown)); // X7
      this.#counts.dead.addForGood(unit.records);
      this.#verdict.blame(reasonOf(thrown).code);
      return false;
    }
    this.#follow(time - intake.disorder);
    return true;
  }

  #follow(watermark: number): void {
    const state = this.#state;
    // What an heir's record watermark owes to a parent's silence moves event time by a tick, not by any record.
    const isAhead = watermark > state.recordWatermark;
    if (isAhead) state.recordWatermark = watermark;
    this.advance(isAhead ? watermark : state.watermark);
  }

  #pass(record: IncomingRecord): void {
    const state = this.#state;
    state.position = record.position;
    if (record.arrival > state.arrival) state.arrival = record.arrival;
  }

  /** A unit of its own (X7). @returns whether it did not become a dead letter */
  #run(unit: Unit): boolean {
    this.#draft.begin();
    try {
      unit.run();
      return true;
    } catch (thrown) {
      if (isSystemic(thrown)) throw thrown;
      this.#draft.undo();
      const { origin, program } = this.#settings;
      this.#draft.send(deadUnit(origin, this.#operator, unit, program.shapes, thrown)); // X7
      this.#state.counters.of(unit.operator).dead.addForGood();
      this.#verdict.blame(reasonOf(thrown).code);
      return false;
    }
  }

  /** X6: a record below the position was folded, so it arrived no later than the latest that was folded. */
  #checkKnown(record: IncomingRecord): void {
    const { arrival, position } = this.#state;
    if (record.arrival > arrival) throw recreated(this.#settings.origin.task, record, position);
  }

  /** What was sealed had been read to its end, so this cannot be. */
  #checkOpen(record: IncomingRecord): void {
    const { sealed, position } = this.#state;
    if (sealed !== undefined) throw afterSeal(this.#settings.origin.task, record, position);
  }
}
