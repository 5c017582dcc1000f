import type { OperatorCounters } from "../state/counters.ts";
import type { KeyedTable } from "../state/keyed-table.ts";
import { END_OF_TIME } from "../time/instant.ts";
import type { CountWindows } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import { checkRange } from "./key-range.ts";
import type { OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "./operator.ts";
import { WindowRows, type Pane } from "./window-rows.ts";
import { Frontier, type WindowSpec } from "./window-spec.ts";

/** A window that is not full, as it is stored. */
type StoredCount = readonly [accumulators: Accumulators, records: number, least: number, latest: number];

/**
 * Aggregates so many records of a key at a time. The row belongs to the record that fills the window, and is undone
 * with it; windows that are not full make theirs when the input has ended.
 *
 * State: space = the end of time, key = the key's code, value = [accumulators, records, least time, latest time].
 */
export class CountAggregate implements TimedOperator {
  readonly name: string;
  readonly #spec: WindowSpec<CountWindows>;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #late: Push | undefined;
  readonly #aggregation: Aggregation;
  readonly #table: KeyedTable;
  readonly #frontier: Frontier;
  readonly #rows: WindowRows;

  constructor(spec: WindowSpec<CountWindows>, context: OperatorContext, downstream: Push, late: Push | undefined) {
    this.name = spec.name;
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(this.name);
    this.#late = late;
    this.#aggregation = new Aggregation(spec.name, spec.aggregates);
    this.#table = context.state.table(spec.name);
    this.#frontier = new Frontier(context.state, spec.name, 0);
    this.#rows = new WindowRows(spec, this.#aggregation, context, downstream);
  }

  readonly push: Push = (value, meta) => {
    const context = this.#context;
    const { time, key, keyCode } = meta;
    context.enter(this.name);
    this.#counts.in.add();
    if (this.#frontier.isClosed(END_OF_TIME, key)) {
      this.#counts.late.add();
      this.#late?.(value, meta);
      return;
    }
    const before = this.#table.get(END_OF_TIME, keyCode) as StoredCount | undefined;
    if (before === undefined) checkRange(context.state, key);
    const [accumulators, records, least, latest] = before ?? [undefined, 0, time, time];
    const inputs = this.#aggregation.inputsOf(value, time);
    const after: StoredCount = [
      this.#aggregation.add(accumulators, inputs),
      records + 1,
      Math.min(least, time),
      Math.max(latest, time),
    ];
    context.state.traces.hold(this.name, keyCode, time, END_OF_TIME, context.traces());
    this.#counts.folded.add();
    if (records + 1 < this.#spec.assigner.size) return this.#table.put(END_OF_TIME, keyCode, after);
    this.#table.remove(END_OF_TIME, keyCode);
    this.#counts.closed.add();
    this.#rows.send(paneOf(after), keyCode);
    context.state.traces.forgetKey(this.name, keyCode);
  };

  nextDue(): number {
    return this.#frontier.dueOf(this.#table.least);
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    if (this.nextDue() > watermark) return;
    const left = [...this.#table.entriesOf(END_OF_TIME)].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#table.drop(END_OF_TIME);
    for (const [keyCode, stored] of left) {
      this.#counts.closed.addForGood();
      yield this.#rows.unit(paneOf(stored as StoredCount), keyCode);
    }
    this.#context.state.traces.forget(this.name, END_OF_TIME);
  }

  unitOf(stored: StoredUnit, from?: PartOrigins): Unit {
    return this.#rows.unitOf(stored, from);
  }
}

const paneOf = ([accumulators, , least, latest]: StoredCount): Pane => ({
  start: least,
  end: latest + 1,
  time: latest,
  accumulators,
  firing: undefined,
});

/** What checks a value that comes out of storage, which throws systemic errors `state/accumulator`. */
export const countRestorer =
  (aggregation: Aggregation, from?: PartOrigins) =>
  (value: unknown): StoredCount => {
    if (!Array.isArray(value) || value.length !== 4) throw aggregation.notAsWritten();
    const [accumulators, ...rest] = value as unknown as StoredCount;
    if (!rest.every(Number.isSafeInteger)) throw aggregation.notAsWritten();
    return [aggregation.restore(accumulators, from), ...rest];
  };
