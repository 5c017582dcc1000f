import type { Answer } from "./enrich.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import type { Measure } from "./metric.ts";
import type { CutText } from "../state/cut-text.ts";
import type { KeyValues } from "../state/key.ts";
import type { TaskState } from "../state/task-state.ts";
import type { Traceparent } from "../state/traceparent.ts";

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
  /** Processing time of the turn, epoch milliseconds. */
  readonly now: () => number;
  /** What was looked up for a key before the fold; undefined for what was not. @param key its code */
  answerOf(operator: string, key: string): Answer | undefined;
  /** Names the operator that is at work: whom an error is blamed on. */
  enter(operator: string): void;
  /** Adds to the metrics of the commit being made. */
  measure(measure: Measure): void;
  /** Adds an output to the commit being made. @param body a text, or what its sink has cut it into */
  send(sink: string, body: string | CutText): void;
  /** The traces of what is at work: of the record, or of those in the pane. */
  traces(): readonly Traceparent[];
  /** Does a part of the work that is of further traces. */
  traced(traces: readonly Traceparent[], work: () => void): void;
}

/** What a unit is made of, as plain data: enough to make it again (X7). */
export interface UnitDescription {
  readonly kind: "pane" | "timer";
  /** Of whom it is. */
  readonly key: KeyValues;
  /** What a person needs to know of it, and the operator too: a window's start and end, a timer's name and time. */
  readonly about: Readonly<Record<string, string | number>>;
  /** The operator's own; storable. */
  readonly content: unknown;
  /** The table it came out of, whose shape says what the content is made of. @default the operator's own */
  readonly table?: string;
}

/** A unit's description as it comes back out of storage. */
export type StoredUnit = Omit<UnitDescription, "key" | "table"> & { readonly keyCode: string };

/**
 * What event time makes an operator do: a window's pane goes downstream, a timer fires. A unit of its own (X7): when it
 * throws, what it changed and sent is undone, and it becomes a dead letter.
 */
export interface Unit {
  readonly operator: string;
  /** For the dead letter, should it come to that. */
  describe(): UnitDescription;
  run(): void;
}

/** An operator that acts when event time moves, or processing time. */
export interface TimedOperator {
  readonly name: string;
  /**
   * A unit made again of what a dead letter kept of it.
   *
   * @param from how what another version kept becomes this one's; nothing where this version did
   * @returns nothing for what was taken out of the operator since
   * @throws systemic errors for what this build cannot make sense of
   */
  unitOf(stored: StoredUnit, from?: PartOrigins): Unit | undefined;
  /** The least watermark that makes it act; infinity when none does. */
  nextDue(): number;
  /**
   * What the watermark makes it do, in the order of event time; removed from its state already, which is not undone.
   * Each unit is run before the next is asked for, and may make further ones due.
   */
  closeUpTo(watermark: number): Iterable<Unit>;
  /** The least processing time that makes it act; infinity when none does. Epoch milliseconds. */
  nextWake?(): number;
  /** What processing time makes it do; as {@link closeUpTo}. */
  wakeUpTo?(now: number): Iterable<Unit>;
}

/** An operator whose state has a time to live. */
export interface ExpiringOperator {
  /** Takes out of its state what has expired (X9): called between units, once all that the watermark makes due is done. */
  expireUpTo(watermark: number): void;
}
