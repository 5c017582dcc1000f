import type { OperatorCounters } from "../state/counters.ts";
import { systemicError } from "../errors.ts";
import { keyGroupOf } from "../state/key-group.ts";
import type { Undoable } from "../state/journal.ts";
import { unitedTraces, type Traceparent } from "../state/traceparent.ts";
import { END_OF_TIME } from "../time/instant.ts";
import { span, type Window } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import { blanklessText } from "./evolution/state-shape.ts";
import { ElementCutter } from "./element-cutter.ts";
import { bytesOf, isElement, MAX_ELEMENT_BYTES, tracedElement } from "./element.ts";
import type { Meta, OperatorContext, Push } from "./operator.ts";
import { keyCoder, type ShuffleSpec } from "./shuffle.ts";
import { EVERYTHING, type EndingWindows } from "./open-windows.ts";
import { SessionSet } from "./session-set.ts";
import { windowShape, type WindowSpec } from "./window-spec.ts";

/** What was aggregated of some records of a key that belong to the same windows, on its way to these. */
export interface PartialAggregate {
  readonly windows: readonly Window[];
  /** How many records. */
  readonly records: number;
  readonly accumulators: Accumulators;
}

/** Of partials that a reader must join: one that does not know of them knows no such entry, and sets them aside. */
const JOINED = "joined";

/**
 * Where partials enter a stage: through a `keyBy`, at a window. The window's shape says what they are made of, since the
 * build that reads them need not be the one that sent them.
 */
export function partialEntry(keyBy: string, window: WindowSpec<EndingWindows>): string {
  const how = window.assigner.kind === "session" ? `${JOINED}>` : "";
  return `${keyBy}>${window.name}>${how}${blanklessText(windowShape(window))}`;
}

/** What an entry of partials says of these. */
export interface PartialEntry {
  readonly window: string;
  /** As `blanklessText` has it. */
  readonly shape: string;
  /** Whether a reader joins them with what they overlap. */
  readonly isJoined: boolean;
}

/** What an entry of partials says; undefined for another entry. */
export function partialIn(entry: string): PartialEntry | undefined {
  const [, window, ...shape] = entry.split(">");
  if (window === undefined) return undefined;
  const isJoined = shape[0] === JOINED;
  return { window, shape: (isJoined ? shape.slice(1) : shape).join(">"), isJoined };
}

export const isPartialEntry = (entry: string): boolean => entry.includes(">");

/** The `keyBy` that an entry leads through. */
export const keyByOf = (entry: string): string => entry.split(">", 1)[0]!;

/** Counts what comes for a window that was dropped, under its name: no record goes without being counted. */
export const countFiltered = (window: string, context: OperatorContext): Push => {
  const counts = context.state.counters.of(window);
  return (value) => {
    const { records } = value as PartialAggregate;
    context.enter(window);
    counts.in.add(records);
    counts.filtered.add(records);
  };
};

/** Of some records of one key and the same windows, while a commit is made. Never changed in place. */
interface Slice {
  readonly records: number;
  readonly accumulators: Accumulators;
  /** The latest of their event times. */
  readonly time: number;
  /** Of the first of them that are traced. */
  readonly traces: readonly Traceparent[];
}

/** What there is of records that belong to the same windows, by their keys' codes. */
interface Group {
  readonly windows: readonly Window[];
  readonly slices: Map<string, Slice>;
}

/**
 * The end of a stage before a window: aggregates what one commit has for each key and window, and sends that instead of
 * every record. What is not sent yet when the commit is made is sent by {@link flush}: nothing of it is state.
 */
export class PreAggregate implements Undoable {
  readonly #spec: ShuffleSpec;
  readonly #window: WindowSpec<EndingWindows>;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #aggregation: Aggregation;
  readonly #cutter: ElementCutter;
  readonly #keyCodeOf: (value: unknown) => string;
  readonly #groups = new Map<string, Group>();
  /** By the key's code. */
  readonly #sessions = new Map<string, SessionSet<Slice>>();
  /** Of the record before: most are in the same windows. */
  #last: Group = NO_GROUP;

  constructor(spec: ShuffleSpec, window: WindowSpec<EndingWindows>, context: OperatorContext) {
    this.#spec = spec;
    this.#window = window;
    this.#context = context;
    this.#counts = context.state.counters.of(spec.name);
    this.#aggregation = new Aggregation(window.name, window.aggregates);
    this.#keyCodeOf = keyCoder(spec.key);
    this.#cutter = new ElementCutter(partialEntry(spec.name, window));
  }

  readonly push: Push = (value, meta) => {
    const { name } = this.#spec;
    const { assigner, name: window } = this.#window;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const keyCode = this.#keyCodeOf(value);
    context.enter(window);
    if (assigner.kind === "session") this.#addToSession(keyCode, assigner.gapOf(value as never), value, meta);
    else {
      const windows = assigner.kind === "global" ? ALL : assigner.assign(meta.time, value as never);
      if (windows.length === 0) return this.#counts.filtered.add();
      this.#add(this.#groupOf(windows).slices, keyCode, value, meta);
    }
    this.#counts.folded.add();
  };

  /** Sends what was aggregated since the last call. */
  flush(): void {
    for (const { windows, slices } of this.#groups.values())
      for (const [keyCode, slice] of slices) this.#send(windows, keyCode, slice);
    for (const [keyCode, sessions] of this.#sessions)
      for (const { window, content } of sessions) this.#send([window], keyCode, content);
    this.#groups.clear();
    this.#sessions.clear();
    this.#last = NO_GROUP;
  }

  #send(windows: readonly Window[], keyCode: string, { records, accumulators, time, traces }: Slice): void {
    const partial: PartialAggregate = { windows, records, accumulators };
    const holder = `What window("${this.#window.name}") aggregates`;
    const element = this.#cutter.elementOf(keyGroupOf(keyCode), time, keyCode, partial, holder);
    if (!isElement(element)) throw tooLarge(this.#window.name, bytesOf(element));
    const context = this.#context;
    if (traces.length === 0) context.send(this.#spec.stage, element);
    else context.traced(traces, () => context.send(this.#spec.stage, tracedElement(element, traces)));
    this.#counts.sent.add();
  }

  undoChange(of: Map<string, unknown>, keyCode: string, before: unknown): void {
    if (before === undefined) of.delete(keyCode);
    else of.set(keyCode, before);
  }

  #groupOf(windows: readonly Window[]): Group {
    if (areSame(windows, this.#last.windows)) return this.#last;
    const id = windows.map(({ start, end }) => `${start}-${end}`).join();
    let group = this.#groups.get(id);
    if (group === undefined) this.#groups.set(id, (group = { windows, slices: new Map() }));
    this.#last = group;
    return group;
  }

  #add(slices: Map<string, Slice>, keyCode: string, value: unknown, meta: Meta): void {
    const before = slices.get(keyCode);
    slices.set(keyCode, this.#sliceWith(before, value, meta));
    // X7: what a record did is undone when it turns out to be poison further on.
    this.#context.state.journal.record(this, slices, keyCode, before);
  }

  /** Sessions of one batch that overlap are one here, as they are where they are kept. */
  #addToSession(keyCode: string, gap: number, value: unknown, meta: Meta): void {
    const own = { start: meta.time, end: Math.min(meta.time + gap, END_OF_TIME) };
    const { journal } = this.#context.state;
    let sessions = this.#sessions.get(keyCode);
    if (sessions === undefined) this.#sessions.set(keyCode, (sessions = new SessionSet(journal)));
    const joined = sessions.overlapping(own);
    const window = joined.reduce((all, session) => span(all, session.window), own);
    const [first, ...others] = joined.map(({ content }) => content);
    const slice = others.reduce<Slice | undefined>((all, other) => this.#merged(all!, other), first);
    const content = this.#sliceWith(slice, value, meta);
    for (const session of joined) sessions.remove(session);
    sessions.put({ window, content });
  }

  #sliceWith(before: Slice | undefined, value: unknown, { time }: Meta): Slice {
    const accumulators = this.#aggregation.addRecord(before?.accumulators, value, time);
    const traces = this.#context.traces();
    if (before === undefined) return { records: 1, accumulators, time, traces };
    return {
      records: before.records + 1,
      accumulators,
      time: Math.max(time, before.time),
      traces: unitedTraces(before.traces, traces),
    };
  }

  #merged(a: Slice, b: Slice): Slice {
    return {
      records: a.records + b.records,
      accumulators: this.#aggregation.merge(a.accumulators, b.accumulators),
      time: Math.max(a.time, b.time),
      traces: unitedTraces(a.traces, b.traces),
    };
  }
}

const ALL: readonly Window[] = [EVERYTHING];

const NO_GROUP: Group = { windows: [], slices: new Map() };

function areSame(some: readonly Window[], others: readonly Window[]): boolean {
  if (some === others) return true;
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++)
    if (some[i]!.end !== others[i]!.end || some[i]!.start !== others[i]!.start) return false;
  return true;
}

const tooLarge = (window: string, bytes: number) =>
  systemicError({
    code: "shuffle/too-large",
    message: `What window("${window}") aggregates of one batch takes ${bytes} bytes; ${MAX_ELEMENT_BYTES} can be sent to the next stage.`,
    advice: "Bound the aggregate, take smaller batches, or send every record: keyBy(…, { preAggregate: false }).",
  });
