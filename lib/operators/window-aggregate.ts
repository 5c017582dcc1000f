import type { KeyedTable } from "../state/keyed-table.ts";
import { END_OF_TIME } from "../time/instant.ts";
import type { PaneTiming } from "../windows/trigger.ts";
import type { Window } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import { checkRange } from "./key-range.ts";
import {
  EVERYTHING,
  keyCodeIn,
  OpenWindows,
  type EndingWindows,
  type FiringState,
  type OpenWindow,
} from "./open-windows.ts";
import type { Meta, OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "./operator.ts";
import { afterEarly, nextFiring, UNFIRED } from "./window-firing.ts";
import { Frontier, type WindowSpec } from "./window-spec.ts";
import { WindowRows, type Pane } from "./window-rows.ts";

/** The table of the event times at which windows make rows before they close. */
export const firingsOf = (operator: string): string => `${operator}$firings`;

/**
 * Aggregates per key and window. Unless a trigger says otherwise a window makes one row, when it can no longer change:
 * when the watermark has reached its end plus the allowed lateness. A record all of whose windows have closed is late.
 *
 * State: the windows ({@link OpenWindows}); with a trigger also a table of firings: space = the event time at which a
 * window makes its next row, key = its end, a blank and its key in the first table.
 */
export class WindowAggregate implements TimedOperator {
  readonly name: string;
  readonly #spec: WindowSpec<EndingWindows>;
  readonly #context: OperatorContext;
  readonly #late: Push | undefined;
  readonly #aggregation: Aggregation;
  readonly #windows: OpenWindows;
  readonly #table: KeyedTable;
  readonly #firings: KeyedTable | undefined;
  readonly #frontier: Frontier;
  readonly #rows: WindowRows;

  constructor(spec: WindowSpec<EndingWindows>, context: OperatorContext, downstream: Push, late: Push | undefined) {
    const { name, assigner, trigger, aggregates, allowedLateness, delay } = spec;
    this.name = name;
    this.#spec = spec;
    this.#context = context;
    this.#late = late;
    this.#aggregation = new Aggregation(name, aggregates);
    this.#table = context.state.table(name);
    this.#firings = trigger && context.state.table(firingsOf(name));
    this.#windows = new OpenWindows(assigner, this.#table, trigger !== undefined);
    this.#frontier = new Frontier(context.state, name, allowedLateness + delay);
    this.#rows = new WindowRows(spec, this.#aggregation, context, downstream);
  }

  readonly push: Push = (value, meta) => {
    const { name } = this.#spec;
    const context = this.#context;
    context.enter(name);
    context.count(name, "in");
    const assigned = this.#assign(value, meta);
    const open = assigned.filter(({ end }) => !this.#frontier.isClosed(end, meta.key));
    if (open.length === 0) {
      if (assigned.length === 0) return context.count(name, "filtered");
      context.count(name, "late");
      this.#late?.(value, meta);
      return;
    }
    const inputs = this.#aggregation.inputsOf(value, meta.time);
    for (const window of open) this.#fold(window, meta, 1, (before) => this.#aggregation.add(before, inputs));
    context.enter(name);
    context.count(name, "folded");
  };

  /**
   * Folds what was aggregated elsewhere of some records of a window. Counts nothing: a record may be in several windows.
   *
   * @returns whether the window is open; else they are late
   */
  foldPartial(window: Window, meta: Meta, accumulators: Accumulators, records: number): boolean {
    if (this.#frontier.isClosed(window.end, meta.key)) return false;
    this.#fold(window, meta, records, (before) => this.#aggregation.merge(before, accumulators));
    return true;
  }

  nextDue(): number {
    return Math.min(this.#nextFiring(), this.#frontier.dueOf(this.#table.least));
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    for (;;) {
      const firing = this.#nextFiring();
      const closing = this.#frontier.dueOf(this.#table.least);
      if (Math.min(firing, closing) > watermark) return;
      if (firing <= closing) yield* this.#fireAt(this.#firings!.least);
      else yield* this.#close(this.#table.least);
    }
  }

  unitOf(stored: StoredUnit): Unit {
    return this.#rows.unitOf(stored);
  }

  /** The windows that a record belongs to; of a session the one that it makes of those it overlaps. */
  #assign(value: unknown, { time, keyCode }: Meta): readonly Window[] {
    const { assigner } = this.#spec;
    switch (assigner.kind) {
      case "time":
        return assigner.assign(time, value as never);
      case "global":
        return [EVERYTHING];
      case "session": {
        const own = { start: time, end: Math.min(time + assigner.gapOf(value as never), END_OF_TIME) };
        return [this.#windows.of(keyCode).filter(overlaps(own)).reduce(span, own)];
      }
    }
  }

  #fold(
    window: Window,
    { time, key, keyCode }: Meta,
    records: number,
    accumulate: (before: Accumulators | undefined) => Accumulators,
  ): void {
    const { trigger, delay } = this.#spec;
    const before = this.#before(window, keyCode);
    if (before === undefined) checkRange(this.#context.state, key);
    const open: OpenWindow = {
      start: window.start,
      end: window.end,
      latest: Math.max(time, before?.latest ?? time),
      accumulators: accumulate(before?.accumulators),
      firing: before?.firing,
    };
    if (trigger === undefined) return this.#windows.put(open, keyCode);
    const firing = before?.firing ?? UNFIRED;
    const updated = { ...firing, unfired: firing.unfired + records };
    const { now, fireAt } = nextFiring(trigger, open, updated, time, this.#frontier.watermarkOf(key) - delay);
    const next = { ...open, firing: { ...updated, fireAt } };
    this.#setFiring(open, keyCode, firing.fireAt, fireAt);
    if (now === undefined) return this.#windows.put(next, keyCode);
    const pane = this.#pane(next, now);
    this.#windows.put(this.#afterPane(next), keyCode);
    this.#rows.send(pane, keyCode);
  }

  /** What the window holds already. Sessions that it joins are taken out, and are one. */
  #before(window: Window, keyCode: string): OpenWindow | undefined {
    const windows = this.#windows;
    if (this.#spec.assigner.kind !== "session") return windows.get(window, windows.entryKey(window, keyCode));
    const joined = windows.of(keyCode).filter(overlaps(window));
    const [first] = joined;
    if (first === undefined || (joined.length === 1 && isSame(first, window))) return first;
    let all = first;
    for (const each of joined) {
      if (each !== first) all = this.#join(all, each);
      windows.remove(each, keyCode);
      this.#setFiring(each, keyCode, each.firing?.fireAt, undefined);
    }
    // A row that was due before the end is due still; the one at the end is due at another time now.
    const fireAt = least(joined.map(({ firing, end }) => (firing?.fireAt === end ? undefined : firing?.fireAt)));
    this.#setFiring(window, keyCode, undefined, fireAt);
    return { ...all, ...(all.firing && { firing: { ...all.firing, fireAt } }) };
  }

  #join(a: OpenWindow, b: OpenWindow): OpenWindow {
    return {
      ...span(a, b),
      latest: Math.max(a.latest, b.latest),
      accumulators:
        b.accumulators === undefined ? a.accumulators : this.#aggregation.merge(a.accumulators, b.accumulators),
      firing: a.firing && b.firing && joinFirings(a.firing, b.firing),
    };
  }

  /** Makes the rows that are due at an event time. They are out of the state before they run (X7). */
  *#fireAt(time: number): Generator<Unit> {
    const { assigner, trigger } = this.#spec;
    const due = [...this.#firings!.entriesOf(time).keys()].sort();
    for (const key of due) this.#firings!.remove(time, key);
    for (const key of due) {
      const [end, entryKey] = [Number.parseInt(key, 10), key.slice(key.indexOf(" ") + 1)];
      const open = this.#windows.get({ end }, entryKey)!;
      const isOnTime = time === end;
      const firing = { ...open.firing!, fireAt: isOnTime ? undefined : afterEarly(trigger!.late, end) };
      const next = { ...open, firing };
      const keyCode = keyCodeIn(assigner, entryKey);
      this.#setFiring(open, keyCode, undefined, firing.fireAt);
      if (open.accumulators === undefined) this.#windows.put(next, keyCode);
      else {
        this.#windows.put(this.#afterPane(next), keyCode);
        yield this.#rows.unit(this.#pane(next, isOnTime ? "onTime" : "early"), keyCode);
      }
    }
  }

  *#close(end: number): Generator<Unit> {
    for (const [keyCode, open] of this.#windows.take(end)) {
      this.#context.state.counters.countForGood(`${this.name} closed`);
      const isDone = this.#spec.trigger?.late !== undefined && open.firing!.unfired === 0;
      if (isDone || open.accumulators === undefined) continue;
      const timing = this.#spec.trigger?.late === undefined ? "onTime" : "late";
      yield this.#rows.unit(this.#pane(open, timing), keyCode);
    }
  }

  #pane({ start, end, latest, accumulators, firing }: OpenWindow, timing: PaneTiming): Pane {
    const window =
      this.#spec.assigner.kind === "global"
        ? { start: undefined, end: undefined, time: latest }
        : { start, end, time: end - 1 };
    return {
      ...window,
      accumulators: accumulators!,
      firing: firing && { timing, index: firing.rows, retracts: firing.sent },
    };
  }

  /** The window once the row is made that was due. */
  #afterPane(open: OpenWindow): OpenWindow {
    const { start, end, accumulators, firing } = open;
    const { accumulation } = this.#spec.trigger!;
    return {
      ...open,
      accumulators: accumulation === "discarding" ? undefined : accumulators,
      firing: {
        rows: firing!.rows + 1,
        unfired: 0,
        fireAt: firing!.fireAt,
        sent: accumulation === "retracting" ? [[start, end, accumulators!]] : [],
      },
    };
  }

  #setFiring(window: Window, keyCode: string, before: number | undefined, fireAt: number | undefined): void {
    if (before === fireAt) return;
    const key = `${window.end} ${this.#windows.entryKey(window, keyCode)}`;
    if (before !== undefined) this.#firings!.remove(before, key);
    if (fireAt !== undefined) this.#firings!.put(fireAt, key, true);
  }

  #nextFiring(): number {
    const least = this.#firings?.least ?? Number.POSITIVE_INFINITY;
    return least === Number.POSITIVE_INFINITY ? least : Math.min(least + this.#spec.delay, END_OF_TIME);
  }
}

const joinFirings = (a: FiringState, b: FiringState): FiringState => ({
  rows: Math.max(a.rows, b.rows),
  unfired: a.unfired + b.unfired,
  fireAt: undefined,
  sent: [...a.sent, ...b.sent],
});

const isSame = (a: Window, b: Window): boolean => a.start === b.start && a.end === b.end;

const overlaps =
  (window: Window) =>
  (other: Window): boolean =>
    other.start < window.end && window.start < other.end;

const span = (a: Window, b: Window): Window => ({ start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) });

const least = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};
