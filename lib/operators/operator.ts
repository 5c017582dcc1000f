import type { CounterField } from "../state/counters.ts";
import type { KeyValues } from "../state/key.ts";
import type { TaskState } from "../state/task-state.ts";

/** What travels with a value along the operators: its record's key and event time. */
export interface Meta {
  readonly time: number;
  /** Empty where the source declares no key. */
  readonly key: KeyValues;
  /** The key as one string (`encodeKey`). */
  readonly keyCode: string;
}

/** The next operator, seen from the one before it. */
export type Push = (value: unknown, meta: Meta) => void;

/** What an operator may touch while it works: nothing else exists for it. */
export interface OperatorContext {
  readonly state: TaskState;
  /** Names the operator that is at work: whom an error is blamed on. */
  enter(operator: string): void;
  count(operator: string, field: CounterField): void;
  /** Adds an output to the commit being made. */
  send(sink: string, body: string): void;
}

/** A closed window's row on its way downstream: a unit of its own (X7). */
export interface Pane {
  readonly operator: string;
  /** For the dead letter, should it come to that. */
  readonly describe: () => {
    readonly key: KeyValues;
    readonly start: number;
    readonly end: number;
    readonly accumulators: readonly unknown[];
  };
  readonly emit: () => void;
}

/** An operator that acts when event time moves. */
export interface TimedOperator {
  readonly name: string;
  /** The pane of a window that was closed, made again of what a dead letter kept of it. */
  paneOf(window: { readonly start: number; readonly keyCode: string; readonly accumulators: readonly unknown[] }): Pane;
  /** The least watermark that makes it act; infinity when none does. */
  nextDue(): number;
  /** What the watermark makes it emit, in the order of event time; removed from its state already. */
  closeUpTo(watermark: number): Iterable<Pane>;
}
