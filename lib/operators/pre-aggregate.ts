import type { OperatorCounters } from "../state/counters.ts";
import { systemicError } from "../errors.ts";
import { keyGroupOf } from "../state/key-group.ts";
import type { Undoable } from "../state/journal.ts";
import { unitedTraces, type Traceparent } from "../state/traceparent.ts";
import { encodeValue } from "../state/value-text.ts";
import type { TimeWindows, Window } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import { blanklessText } from "./evolution/state-shape.ts";
import type { Meta, OperatorContext, Push } from "./operator.ts";
import { elementText, isElement, keyCoder, MAX_ELEMENT_BYTES, tracedText, type ShuffleSpec } from "./shuffle.ts";
import { windowShape, type WindowSpec } from "./window-spec.ts";

/** What was aggregated of some records of a key that belong to the same windows, on its way to these. */
export interface PartialAggregate {
  readonly windows: readonly Window[];
  /** How many records. */
  readonly records: number;
  readonly accumulators: Accumulators;
}

/**
 * Where partials enter a stage: through a `keyBy`, at a window. The window's shape says what they are made of, since the
 * build that reads them need not be the one that sent them.
 *
 * @param shape as `blanklessText` has it
 */
export const partialEntry = (keyBy: string, window: string, shape: string): string => `${keyBy}>${window}>${shape}`;

/** What an entry of partials is made of; undefined for another entry. */
export function partialIn(entry: string): { readonly window: string; readonly shape: string } | undefined {
  const [, window, ...shape] = entry.split(">");
  return window === undefined ? undefined : { window, shape: shape.join(">") };
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
  readonly #window: WindowSpec<TimeWindows>;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #aggregation: Aggregation;
  readonly #entry: string;
  readonly #keyCodeOf: (value: unknown) => string;
  readonly #groups = new Map<string, Group>();
  /** Of the record before: most are in the same windows. */
  #last: Group = NO_GROUP;

  constructor(spec: ShuffleSpec, window: WindowSpec<TimeWindows>, context: OperatorContext) {
    this.#spec = spec;
    this.#window = window;
    this.#context = context;
    this.#counts = context.state.counters.of(spec.name);
    this.#aggregation = new Aggregation(window.name, window.aggregates);
    this.#keyCodeOf = keyCoder(spec.key);
    this.#entry = partialEntry(spec.name, window.name, blanklessText(windowShape(window)));
  }

  readonly push: Push = (value, meta) => {
    const { name } = this.#spec;
    const { assigner, name: window } = this.#window;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const keyCode = this.#keyCodeOf(value);
    context.enter(window);
    const windows = assigner.assign(meta.time, value);
    if (windows.length === 0) return this.#counts.filtered.add();
    this.#add(this.#groupOf(windows).slices, keyCode, value, meta);
    this.#counts.folded.add();
  };

  /** Sends what was aggregated since the last call. */
  flush(): void {
    for (const { windows, slices } of this.#groups.values())
      for (const [keyCode, slice] of slices) this.#send(windows, keyCode, slice);
    this.#groups.clear();
    this.#last = NO_GROUP;
  }

  #send(windows: readonly Window[], keyCode: string, { records, accumulators, time, traces }: Slice): void {
    const partial: PartialAggregate = { windows, records, accumulators };
    const text = encodeValue(partial, `What window("${this.#window.name}") aggregates`);
    const body = elementText(keyGroupOf(keyCode), this.#entry, time, keyCode, text);
    if (!isElement(body)) throw tooLarge(this.#window.name, Buffer.byteLength(body));
    const context = this.#context;
    if (traces.length === 0) context.send(this.#spec.stage, body);
    else context.traced(traces, () => context.send(this.#spec.stage, tracedText(body, traces)));
    this.#counts.sent.add();
  }

  undoChange(slices: Map<string, Slice>, keyCode: string, before: Slice | undefined): void {
    if (before === undefined) slices.delete(keyCode);
    else slices.set(keyCode, before);
  }

  #groupOf(windows: readonly Window[]): Group {
    if (areSame(windows, this.#last.windows)) return this.#last;
    const id = windows.map(({ start, end }) => `${start}-${end}`).join();
    let group = this.#groups.get(id);
    if (group === undefined) this.#groups.set(id, (group = { windows, slices: new Map() }));
    this.#last = group;
    return group;
  }

  #add(slices: Map<string, Slice>, keyCode: string, value: unknown, { time }: Meta): void {
    const { state } = this.#context;
    const traces = this.#context.traces();
    const before = slices.get(keyCode);
    const accumulators = this.#aggregation.addRecord(before?.accumulators, value, time);
    slices.set(
      keyCode,
      before === undefined
        ? { records: 1, accumulators, time, traces }
        : {
            records: before.records + 1,
            accumulators,
            time: Math.max(time, before.time),
            traces: unitedTraces(before.traces, traces),
          },
    );
    // X7: what a record did is undone when it turns out to be poison further on.
    state.journal.record(this, slices, keyCode, before);
  }
}

const NO_GROUP: Group = { windows: [], slices: new Map() };

function areSame(some: readonly Window[], others: readonly Window[]): boolean {
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
