import { kindInUserCode, messageOf, systemicError } from "../errors.ts";
import type { OperatorContext, Pane } from "../operators/operator.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import type { Output } from "../state/commit.ts";
import { comparePositions } from "../state/position.ts";
import type { TaskState } from "../state/task-state.ts";
import { deadPane, deadRecord, type DeadLetterOrigin } from "./dead-letter.ts";
import type { IncomingRecord, RecordDecoder } from "./record.ts";

/** Fewer records than this are too few to call a deployment or a producer broken (X10). */
const JUDGED_FROM = 100;

export interface FoldSettings {
  readonly origin: DeadLetterOrigin;
  readonly program: StageProgram;
  readonly source: string;
  readonly decode: RecordDecoder;
  /** Milliseconds, of the source. */
  readonly disorder: number;
  /** Above this share of poison a task stops. */
  readonly poisonShare: number;
}

/** Folds records into one task's state, in memory. No I/O, no clock: what it did is the next commit. */
export class Fold {
  readonly #settings: FoldSettings;
  readonly #state: TaskState;
  readonly #stage: StageInstance;
  #outputs: Output[] = [];
  #operator = "";
  #lastReason = "";

  constructor(settings: FoldSettings, state: TaskState) {
    this.#settings = settings;
    this.#state = state;
    const context: OperatorContext = {
      state,
      enter: (operator) => (this.#operator = operator),
      count: (operator, field) => state.counters.count(`${operator} ${field}`),
      send: (sink, body) => this.#outputs.push({ sink, body }),
    };
    this.#stage = settings.program.bind(context);
  }

  /** Adds an output that is no operator's. */
  send(output: Output): void {
    this.#outputs.push(output);
  }

  /** The outputs since the last call. */
  takeOutputs(): readonly Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /**
   * Folds those records that are above the task's position (X3).
   *
   * @returns how many that were
   * @throws systemic errors `source/recreated`, `poison/systemic`; the state is then of no use any more
   */
  records(records: readonly IncomingRecord[]): number {
    let folded = 0;
    let poison = 0;
    for (const record of records) {
      if (comparePositions(record.position, this.#state.position) <= 0) {
        this.#checkKnown(record);
        continue;
      }
      folded++;
      if (!this.#record(record)) poison++;
    }
    this.#judge(folded, poison);
    return folded;
  }

  /** Moves the watermark, and closes what it closes. It never goes back. */
  advance(watermark: number): void {
    if (watermark <= this.#state.watermark) return;
    for (const operator of this.#stage.timed) {
      if (operator.nextDue() > watermark) continue;
      for (const pane of operator.closeUpTo(watermark)) this.#pane(pane);
    }
    this.#state.watermark = watermark;
  }

  /** The least watermark that closes something; infinity when nothing is open. */
  nextDue(): number {
    return this.#stage.timed.reduce((least, operator) => Math.min(least, operator.nextDue()), Number.POSITIVE_INFINITY);
  }

  /** @returns whether the record was processed, and is not a dead letter */
  #record(record: IncomingRecord): boolean {
    const { source, decode, disorder, origin } = this.#settings;
    const state = this.#state;
    const sent = this.#outputs.length;
    state.counters.countForGood(`${source} in`);
    state.beginUnit();
    this.#operator = source;
    let time: number | undefined;
    try {
      const decoded = decode(record);
      this.#stage.push(decoded.value, decoded);
      time = decoded.time;
    } catch (thrown) {
      if (kindInUserCode(thrown) !== "poison") throw thrown;
      state.undoUnit();
      this.#outputs.length = sent;
      this.#outputs.push(deadRecord(origin, this.#operator, record, thrown)); // X7
      state.counters.countForGood(`${source} dead`);
      this.#lastReason = messageOf(thrown);
    }
    state.position = record.position;
    if (record.arrival > state.arrival) state.arrival = record.arrival;
    state.poison.add(time === undefined);
    if (time === undefined) return false; // a dead letter moves nothing
    if (time - disorder > state.recordWatermark) {
      state.recordWatermark = time - disorder;
      this.advance(state.recordWatermark);
    }
    return true;
  }

  #pane(pane: Pane): void {
    const sent = this.#outputs.length;
    this.#state.beginUnit();
    try {
      pane.emit();
    } catch (thrown) {
      if (kindInUserCode(thrown) !== "poison") throw thrown;
      this.#state.undoUnit();
      this.#outputs.length = sent;
      this.#outputs.push(deadPane(this.#settings.origin, this.#operator, pane, thrown)); // X7
      this.#state.counters.countForGood(`${pane.operator} dead`);
    }
  }

  /** X6: a record below the position was folded, so it arrived no later than the latest that was folded. */
  #checkKnown(record: IncomingRecord): void {
    if (record.arrival <= this.#state.arrival) return;
    throw systemicError({
      code: "source/recreated",
      message:
        `Task ${this.#settings.origin.task}: record ${record.position.sequence} is below the task's position ` +
        `${this.#state.position.sequence}, yet it arrived later than all that was folded.`,
      advice: "The stream was re-created: raise the source's incarnation in the construct and deploy.",
    });
  }

  /** X10: when most is poison, it is not the records that are wrong. */
  #judge(folded: number, poison: number): void {
    if (poison === 0) return;
    const { poisonShare, origin } = this.#settings;
    const { seen, poison: recent } = this.#state.poison;
    const batchIs = folded >= JUDGED_FROM && poison / folded > poisonShare;
    const taskIs = seen >= JUDGED_FROM && recent / seen > poisonShare;
    if (!batchIs && !taskIs) return;
    throw systemicError({
      code: "poison/systemic",
      message: `Task ${origin.task}: ${batchIs ? `${poison} of a batch's ${folded}` : `${recent} of the last ${seen}`} records are poison. The last: ${this.#lastReason}`,
      advice:
        "Nothing was committed and nothing was lost. Deploy a build that reads them, or consent to losing them to the " +
        'dead-letter queue with pipeline(…, { poison: { share: 1 } }). See docs/operations.md, section "A task stands still".',
    });
  }
}
