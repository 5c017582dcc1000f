import type { OperatorCounters } from "../state/counters.ts";
import { systemicError } from "../errors.ts";
import { keyGroupOf } from "../state/key-group.ts";
import type { Undoable } from "../state/journal.ts";
import { NO_TRACES, unitedTraces, type Traceparent } from "../state/traceparent.ts";
import { encodeValue } from "../state/value-text.ts";
import type { TimeWindows, Window } from "../windows/window.ts";
import { Aggregation, type Accumulators } from "./aggregation.ts";
import { blanklessText } from "./evolution/state-shape.ts";
import type { Meta, OperatorContext, Push } from "./operator.ts";
import { elementText, keyOf, MAX_ELEMENT_BYTES, tracedText, type ShuffleSpec } from "./shuffle.ts";
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

/** Of some records of one key and the same windows, while a commit is made. */
interface Slice extends PartialAggregate {
  /** The latest of their event times. */
  readonly time: number;
  readonly keyCode: string;
  /** Of the first of them that are traced. */
  readonly traces: readonly Traceparent[];
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
  readonly #slices = new Map<string, Slice>();

  constructor(spec: ShuffleSpec, window: WindowSpec<TimeWindows>, context: OperatorContext) {
    this.#spec = spec;
    this.#window = window;
    this.#context = context;
    this.#counts = context.state.counters.of(spec.name);
    this.#aggregation = new Aggregation(window.name, window.aggregates);
    this.#entry = partialEntry(spec.name, window.name, blanklessText(windowShape(window)));
  }

  readonly push: Push = (value, meta) => {
    const { name, key } = this.#spec;
    const { assigner, name: window } = this.#window;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const { keyCode } = keyOf(key, value);
    context.enter(window);
    const windows = assigner.assign(meta.time, value);
    if (windows.length === 0) return this.#counts.filtered.add();
    const inputs = this.#aggregation.inputsOf(value, meta.time);
    this.#add(keyCode, windows, meta, inputs);
    this.#counts.folded.add();
  };

  /** Sends what was aggregated since the last call. */
  flush(): void {
    const { stage } = this.#spec;
    for (const { time, keyCode, traces, ...partial } of this.#slices.values()) {
      const text = encodeValue(partial, `What window("${this.#window.name}") aggregates`);
      const body = elementText(keyGroupOf(keyCode), this.#entry, time, keyCode, text);
      if (Buffer.byteLength(body) > MAX_ELEMENT_BYTES) throw tooLarge(this.#window.name, Buffer.byteLength(body));
      this.#context.traced(traces, () => this.#context.send(stage, tracedText(body, traces)));
      this.#counts.sent.add();
    }
    this.#slices.clear();
  }

  undoChange(id: string, before: Slice | undefined): void {
    if (before === undefined) this.#slices.delete(id);
    else this.#slices.set(id, before);
  }

  #add(keyCode: string, windows: readonly Window[], { time }: Meta, inputs: readonly unknown[]): void {
    const slices = this.#slices;
    const id = `${windows.map(({ start, end }) => `${start}-${end}`).join()} ${keyCode}`;
    const before = slices.get(id);
    slices.set(id, {
      windows,
      keyCode,
      time: Math.max(time, before?.time ?? time),
      records: (before?.records ?? 0) + 1,
      accumulators: this.#aggregation.add(before?.accumulators, inputs),
      traces: unitedTraces(before?.traces ?? NO_TRACES, this.#context.traces()),
    });
    // X7: what a record did is undone when it turns out to be poison further on.
    this.#context.state.journal.record(this, id, before);
  }
}

const tooLarge = (window: string, bytes: number) =>
  systemicError({
    code: "shuffle/too-large",
    message: `What window("${window}") aggregates of one batch takes ${bytes} bytes; ${MAX_ELEMENT_BYTES} can be sent to the next stage.`,
    advice: "Bound the aggregate, take smaller batches, or send every record: keyBy(…, { preAggregate: false }).",
  });
