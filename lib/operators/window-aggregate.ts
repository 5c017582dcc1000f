import type { OperatorCounters } from "../state/counters.ts";
import { decodeKey } from "../state/key.ts";
import type { KeyedTable } from "../state/keyed-table.ts";
import { END_OF_TIME } from "../time/instant.ts";
import type { PaneTiming } from "../windows/trigger.ts";
import { span, type Window } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import { checkRange } from "./key-range.ts";
import {
  EVERYTHING,
  keyCodeIn,
  OpenWindows,
  type EndingWindows,
  type FiringState,
  type OpenWindow,
} from "./open-windows.ts";
import type { PartialAggregate } from "./pre-aggregate.ts";
import type { Meta, OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "./operator.ts";
import { afterRow, dueOnTime, joinedFiring, nextFiring, UNFIRED } from "./window-firing.ts";
import { Frontier, type WindowSpec } from "./window-spec.ts";
import { WindowTimers } from "./window-timers.ts";
import { WindowRows, type Pane } from "./window-rows.ts";

/**
 * Aggregates per key and window. Unless a trigger says otherwise a window makes one row, when it can no longer change:
 * when the watermark has reached its end plus the allowed lateness. A record all of whose windows have closed is late.
 *
 * State: {@link OpenWindows}; with a trigger {@link WindowTimers} too.
 */
export class WindowAggregate implements TimedOperator {
  readonly name: string;
  readonly #spec: WindowSpec<EndingWindows>;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #late: Push | undefined;
  readonly #aggregation: Aggregation;
  readonly #windows: OpenWindows;
  readonly #table: KeyedTable;
  /** Of windows that make several rows. */
  readonly #timers: WindowTimers | undefined;
  readonly #frontier: Frontier;
  readonly #rows: WindowRows;
  /** Where a record is in one window that makes one row. */
  readonly #endOf: ((time: number) => number) | undefined = undefined;
  /** Whether a window's value is the accumulators alone, under the key's code. */
  readonly #isPlain: boolean;

  constructor(spec: WindowSpec<EndingWindows>, context: OperatorContext, downstream: Push, late: Push | undefined) {
    const { name, assigner, trigger, aggregates, allowedLateness, delay } = spec;
    this.name = name;
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(this.name);
    this.#late = late;
    this.#aggregation = new Aggregation(name, aggregates);
    this.#table = context.state.table(name);
    this.#timers = trigger && new WindowTimers(context.state, name);
    this.#windows = new OpenWindows(assigner, this.#table, trigger !== undefined);
    this.#isPlain = assigner.kind === "time" && this.#windows.isBare && assigner.startOf !== undefined;
    if (assigner.kind === "time" && this.#isPlain) this.#endOf = assigner.endOf;
    this.#frontier = new Frontier(context.state, name, allowedLateness + delay);
    this.#rows = new WindowRows(spec, this.#aggregation, context, downstream);
  }

  readonly push: Push = (value, meta) => {
    const { name } = this.#spec;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    if (this.#endOf !== undefined) return this.#pushInto(this.#endOf(meta.time), value, meta);
    const assigned = this.#assign(value, meta);
    let isFolded = false;
    let inputs: readonly unknown[] | undefined;
    let last = Number.NEGATIVE_INFINITY;
    for (const window of assigned) {
      if (this.#frontier.isClosed(window.end, meta.key)) continue;
      isFolded = true;
      last = Math.max(last, window.end);
      this.#add(window, meta, (inputs ??= this.#aggregation.inputsOf(value, meta.time)));
    }
    if (isFolded) {
      this.#hold(meta, last);
      context.enter(name);
      this.#counts.folded.add();
    } else if (assigned.length === 0) this.#counts.filtered.add();
    else {
      this.#counts.late.add();
      this.#late?.(value, meta);
    }
  };

  /** Most records come this way: into one window, which is plain. */
  #pushInto(end: number, value: unknown, meta: Meta): void {
    const { name } = this.#spec;
    const context = this.#context;
    if (this.#frontier.isClosed(end, meta.key)) {
      this.#counts.late.add();
      return this.#late?.(value, meta);
    }
    const before = this.#plainAt(end, meta);
    this.#table.replace(end, meta.keyCode, before, this.#aggregation.addRecord(before, value, meta.time));
    this.#hold(meta, end);
    context.enter(name);
    this.#counts.folded.add();
  }

  /**
   * Folds what was aggregated before the shuffle, of records that belong to the same windows.
   *
   * @param from how what another version aggregated becomes this one's; nothing where this version did
   */
  readonly partialsFrom =
    (from: PartOrigins | undefined): Push =>
    (value, meta) => {
      const { name } = this.#spec;
      const context = this.#context;
      context.enter(name);
      const { windows, records, accumulators } = value as PartialAggregate;
      const restored = this.#aggregation.restore(accumulators, from);
      this.#counts.in.add(records);
      let isFolded = false;
      for (const window of windows) if (this.foldPartial(window, meta, restored, records)) isFolded = true;
      context.enter(name);
      this.#counts[isFolded ? "folded" : "late"].add(records);
    };

  /**
   * Folds what was aggregated elsewhere of some records of a window. Counts nothing: a record may be in several windows.
   *
   * @returns whether the window is open; else they are late
   */
  foldPartial(window: Window, meta: Meta, accumulators: Accumulators, records: number): boolean {
    if (this.#isPlain) return this.#mergeInto(window.end, meta, accumulators);
    const { kind } = this.#spec.assigner;
    const into = kind === "session" ? this.#joined(window, meta.keyCode) : window;
    if (this.#frontier.isClosed(into.end, meta.key)) return false;
    this.#fold(into, meta, records, (before) => this.#aggregation.merge(before, accumulators));
    this.#hold(meta, into.end);
    return true;
  }

  #mergeInto(end: number, meta: Meta, accumulators: Accumulators): boolean {
    if (this.#frontier.isClosed(end, meta.key)) return false;
    const before = this.#plainAt(end, meta);
    this.#table.replace(end, meta.keyCode, before, this.#aggregation.merge(before, accumulators));
    this.#hold(meta, end);
    return true;
  }

  /** What a plain window holds. @throws poison error `source/key-range` before there is state of a key that is another task's */
  #plainAt(end: number, meta: Meta): Accumulators | undefined {
    const before = this.#table.get(end, meta.keyCode) as Accumulators | undefined;
    if (before === undefined) checkRange(this.#context.state, meta.key);
    return before;
  }

  nextDue(): number {
    return Math.min(this.#nextFiring(), this.#frontier.dueOf(this.#table.least));
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    for (;;) {
      const firing = this.#nextFiring();
      const closing = this.#frontier.dueOf(this.#table.least);
      if (Math.min(firing, closing) > watermark) return;
      if (firing <= closing) yield* this.#fire(this.#timers!.nextFiring);
      else yield* this.#close(this.#table.least);
    }
  }

  nextWake(): number {
    return this.#timers?.nextWake ?? Number.POSITIVE_INFINITY;
  }

  *wakeUpTo(now: number): Generator<Unit> {
    while (this.nextWake() <= now) yield* this.#wake(this.nextWake());
  }

  unitOf(stored: StoredUnit, from?: PartOrigins): Unit {
    return this.#rows.unitOf(stored, from);
  }

  /** @param last the end of the last window that holds the record */
  #hold({ keyCode, time }: Meta, last: number): void {
    const traces = this.#context.traces();
    if (traces.length > 0) this.#context.state.traces.hold(this.name, keyCode, time, last, traces);
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
        return [this.#joined(own, keyCode)];
      }
    }
  }

  /** The session that a window makes of those it overlaps. */
  #joined(own: Window, keyCode: string): Window {
    return this.#windows.overlapping(own, keyCode).reduce(span, own);
  }

  #add(window: Window, meta: Meta, inputs: readonly unknown[]): void {
    this.#fold(window, meta, 1, (before) => this.#aggregation.add(before, inputs));
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
    const was = before?.firing ?? UNFIRED;
    const clock = { time, watermark: this.#frontier.watermarkOf(key) - delay, now: this.#context.now() };
    const counted = { ...was, unfired: was.unfired + records };
    const { at, firing } = nextFiring(trigger, open, counted, clock);
    this.#timers!.set(open.end, this.#windows.entryKey(open, keyCode), was, firing);
    const next = { ...open, firing };
    if (at === undefined) return this.#windows.put(next, keyCode);
    this.#windows.put(afterRow(next, trigger), keyCode);
    this.#rows.send(this.#pane(next, at), keyCode);
  }

  /** What the window holds already. Sessions that it joins are taken out, and are one. */
  #before(window: Window, keyCode: string): OpenWindow | undefined {
    const windows = this.#windows;
    if (this.#spec.assigner.kind !== "session") return windows.get(window, windows.entryKey(window, keyCode));
    const joined = windows.overlapping(window, keyCode);
    const [first, ...others] = joined;
    if (first === undefined || (others.length === 0 && isSame(first, window))) return first;
    for (const each of joined) {
      windows.remove(each, keyCode);
      this.#timers?.set(each.end, keyCode, each.firing, undefined);
    }
    this.#context.state.traces.extend(this.name, keyCode, window);
    const firing = joinedFiring(joined);
    this.#timers?.set(window.end, keyCode, undefined, firing);
    return {
      ...window,
      latest: first.latest,
      accumulators: others.reduce((all, { accumulators }) => this.#merge(all, accumulators), first.accumulators),
      firing,
    };
  }

  #merge(a: Accumulators | undefined, b: Accumulators | undefined): Accumulators | undefined {
    return b === undefined ? a : this.#aggregation.merge(a, b);
  }

  /** Makes the rows that are due at an event time. They are out of the state before they run (X7). */
  *#fire(time: number): Generator<Unit> {
    const { late } = this.#spec.trigger!;
    for (const { end, entryKey } of this.#timers!.takeFirings(time)) {
      if (time === end) yield* this.#due(end, entryKey, "onTime", { fireAt: undefined });
      else yield* this.#due(end, entryKey, "early", { fireAt: undefined }, { fireAt: dueOnTime(late, end) });
    }
  }

  /** Makes the rows that are due at a processing time. */
  *#wake(time: number): Generator<Unit> {
    for (const { end, entryKey } of this.#timers!.takeWakes(time)) {
      yield* this.#due(end, entryKey, "early", { wakeAt: undefined });
    }
  }

  /** @param taken the time that has come @param next what takes its place */
  *#due(
    end: number,
    entryKey: string,
    timing: PaneTiming,
    taken: Partial<FiringState>,
    next: Partial<FiringState> = taken,
  ): Generator<Unit> {
    const { assigner, trigger, keyFields, delay } = this.#spec;
    const open = this.#windows.get({ end }, entryKey)!;
    const keyCode = keyCodeIn(assigner, entryKey);
    const firing = { ...open.firing!, ...next };
    this.#timers!.set(end, entryKey, { ...open.firing!, ...taken }, firing);
    // Nothing has come since the last row, or it is past the time for rows that are early.
    const isPast = end <= this.#frontier.watermarkOf(decodeKey(keyFields, keyCode)) - delay;
    const isIdle = open.accumulators === undefined || (timing === "early" && (firing.unfired === 0 || isPast));
    this.#windows.put(isIdle ? { ...open, firing } : afterRow({ ...open, firing }, trigger!), keyCode);
    if (!isIdle) yield this.#rows.unit(this.#pane(open, timing), keyCode);
  }

  *#close(end: number): Generator<Unit> {
    for (const [keyCode, open] of this.#windows.take(end)) {
      this.#counts.closed.addForGood();
      this.#timers?.set(end, this.#windows.entryKey(open, keyCode), open.firing, undefined);
      const isDone = this.#spec.trigger?.late !== undefined && open.firing!.unfired === 0;
      if (isDone || open.accumulators === undefined) continue;
      const timing = this.#spec.trigger?.late === undefined ? "onTime" : "late";
      yield this.#rows.unit(this.#pane(open, timing), keyCode);
    }
    this.#context.state.traces.forget(this.name, end);
  }

  #pane({ start, end, latest, accumulators, firing }: OpenWindow, timing: PaneTiming): Pane {
    const isEndless = this.#spec.assigner.kind === "global";
    return {
      start: isEndless ? undefined : start,
      end: isEndless ? undefined : end,
      time: isEndless ? latest : end - 1,
      accumulators: accumulators!,
      firing: firing && { timing, index: firing.rows, retracts: firing.sent },
    };
  }

  #nextFiring(): number {
    const least = this.#timers?.nextFiring ?? Number.POSITIVE_INFINITY;
    return least === Number.POSITIVE_INFINITY ? least : Math.min(least + this.#spec.delay, END_OF_TIME);
  }
}

const isSame = (a: Window, b: Window): boolean => a.start === b.start && a.end === b.end;
