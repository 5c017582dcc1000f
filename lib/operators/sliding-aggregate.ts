import type { OperatorCounters } from "../state/counters.ts";
import { decodeKey } from "../state/key.ts";
import type { KeyedTable } from "../state/keyed-table.ts";
import type { SlidingWindows } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import { checkRange } from "./key-range.ts";
import type { OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "./operator.ts";
import { WindowRows } from "./window-rows.ts";
import { Frontier, type WindowSpec } from "./window-spec.ts";

/** The table of the windows whose row is to come. */
export const pendingOf = (operator: string): string => `${operator}$pending`;

/**
 * One row per key and record time, over what precedes it: made when the watermark has reached that time plus the allowed
 * lateness. A record that comes after its own window's row, and before that of another one that holds it, is in the
 * others; it is late when all windows that could hold it have closed.
 *
 * State: the operator's table has the records, aggregated by time: space = the end of the last window that holds them,
 * key = the key's code, value = the accumulators. The second table has the windows: space = the end, key = the key's code.
 */
export class SlidingAggregate implements TimedOperator {
  readonly name: string;
  readonly #spec: WindowSpec<SlidingWindows>;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #late: Push | undefined;
  readonly #aggregation: Aggregation;
  readonly #slices: KeyedTable;
  readonly #pending: KeyedTable;
  /** By the end of the last window that holds a record. */
  readonly #slicesFrontier: Frontier;
  readonly #pendingFrontier: Frontier;
  readonly #rows: WindowRows;

  constructor(spec: WindowSpec<SlidingWindows>, context: OperatorContext, downstream: Push, late: Push | undefined) {
    const { name, aggregates, allowedLateness, delay } = spec;
    this.name = name;
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(this.name);
    this.#late = late;
    this.#aggregation = new Aggregation(name, aggregates);
    this.#slices = context.state.table(name);
    this.#pending = context.state.table(pendingOf(name));
    this.#slicesFrontier = new Frontier(context.state, name, allowedLateness + delay);
    this.#pendingFrontier = new Frontier(context.state, pendingOf(name), allowedLateness + delay);
    this.#rows = new WindowRows(spec, this.#aggregation, context, downstream);
  }

  readonly push: Push = (value, meta) => {
    const context = this.#context;
    const { time, key, keyCode } = meta;
    context.enter(this.name);
    this.#counts.in.add();
    const end = time + 1;
    const lastEnd = end + this.#spec.assigner.preceding;
    if (this.#slicesFrontier.isClosed(lastEnd, key)) {
      this.#counts.late.add();
      this.#late?.(value, meta);
      return;
    }
    const before = this.#slices.get(lastEnd, keyCode) as Accumulators | undefined;
    if (before === undefined) checkRange(context.state, key);
    const inputs = this.#aggregation.inputsOf(value, time);
    this.#slices.put(lastEnd, keyCode, this.#aggregation.add(before, inputs));
    const hasWindow = this.#pendingFrontier.isClosed(end, key) || this.#pending.get(end, keyCode) !== undefined;
    if (!hasWindow) this.#pending.put(end, keyCode, true);
    context.state.traces.hold(this.name, keyCode, time, lastEnd, context.traces());
    this.#counts.folded.add();
  };

  nextDue(): number {
    return Math.min(this.#pendingFrontier.dueOf(this.#pending.least), this.#slicesFrontier.dueOf(this.#slices.least));
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    for (;;) {
      const closing = this.#pendingFrontier.dueOf(this.#pending.least);
      const leaving = this.#slicesFrontier.dueOf(this.#slices.least);
      if (Math.min(closing, leaving) > watermark) return;
      // Ends alike: the last window that holds a record has its row before the record goes.
      if (this.#pending.least <= this.#slices.least) yield* this.#close(this.#pending.least);
      else {
        this.#context.state.traces.forget(this.name, this.#slices.least);
        this.#slices.drop(this.#slices.least); // X9
      }
    }
  }

  unitOf({ keyCode, about, content }: StoredUnit, from?: PartOrigins): Unit {
    const slices = (content as readonly unknown[]).map((slice) => this.#aggregation.restore(slice, from));
    return this.#unit(about["start"] as number, about["end"] as number, keyCode, slices);
  }

  *#close(end: number): Generator<Unit> {
    const { preceding } = this.#spec.assigner;
    const keyCodes = [...this.#pending.entriesOf(end).keys()].sort();
    this.#pending.drop(end);
    for (const keyCode of keyCodes) {
      this.#counts.closed.addForGood();
      yield this.#unit(end - 1 - preceding, end, keyCode, slicesWithin(this.#slices, keyCode, end, preceding));
    }
  }

  /** Slices are merged by the unit: an aggregate's merging may be user code, and throw (X7). */
  #unit(start: number, end: number, keyCode: string, slices: readonly Accumulators[]): Unit {
    return {
      operator: this.name,
      describe: () => ({
        kind: "pane",
        key: decodeKey(this.#spec.keyFields, keyCode),
        about: { start, end },
        content: slices,
      }),
      run: () => {
        this.#context.enter(this.name);
        const [first, ...rest] = slices;
        const accumulators = rest.reduce((all, slice) => this.#aggregation.merge(all, slice), first!);
        this.#rows.send({ start, end, time: end - 1, accumulators, firing: undefined }, keyCode);
      },
    };
  }
}

/** What a key's window is made of, in the order of time. @param slices the operator's table */
export function slicesWithin(slices: KeyedTable, keyCode: string, end: number, preceding: number): Accumulators[] {
  const within: Accumulators[] = [];
  for (const lastEnd of slices.spacesOf(keyCode).above(end - 1)) {
    if (lastEnd > end + preceding) break;
    within.push(slices.get(lastEnd, keyCode) as Accumulators);
  }
  return within;
}
