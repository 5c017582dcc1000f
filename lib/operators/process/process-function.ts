import type { BroadcastDeclarations, BroadcastTables } from "../broadcast/broadcast.ts";
import type { TimerDeclarations, Timers } from "./timer.ts";
import type { CellDeclarations, Cells } from "./cell.ts";
import type { EvolvingShape, PartsChange } from "../evolution/state-shape.ts";

declare const rowType: unique symbol;

/** What leaves a process function beside its rows. */
export interface Side<out R> {
  readonly kind: "side";
  readonly [rowType]?: () => R;
}

/** The side outputs that a process function declares, by name. */
export interface SideDeclarations {
  readonly [name: string]: Side<unknown>;
}

/**
 * Declares a side output of rows `R`: what is sent there leaves the operator as a stream of its own.
 *
 * @example
 * const sides = { alerts: side<{ readonly card: string }>() };
 */
export const side = <R>(): Side<R> => ({ kind: "side" });

/** What user code finds under the side outputs' names: each takes a row. */
export type Sides<D> = { readonly [P in keyof D]: D[P] extends Side<infer R> ? (row: R) => void : never };

/** What a process function has while it is called, and only then. */
export interface ProcessContext<K, S, Tm, Sd, O = {}, B = {}> {
  readonly key: K;
  /** Event time, epoch milliseconds: the record's, or the timer's. A processing time's timer has the watermark. */
  readonly time: number;
  /** How far event time has come, epoch milliseconds; a record at or below it is late. */
  readonly watermark: number;
  /** Processing time, epoch milliseconds: the same for a whole turn. */
  readonly now: number;
  readonly state: Cells<S>;
  readonly operatorState: Cells<O>;
  readonly timers: Timers<Tm>;
  readonly side: Sides<Sd>;
  /** What is broadcast, as far as it has come. */
  readonly broadcast: BroadcastTables<B>;
}

/** What a function gives: what it yields, or nothing. */
export type Given = Iterable<unknown> | void;

/** The rows that a function of the type yields. */
export type RowsOf<G> = G extends Iterable<infer R> ? R : never;

/** User code that runs once per record and once per timer, with state and timers per key. */
export interface ProcessFunction<
  T,
  K,
  S extends CellDeclarations,
  Tm extends TimerDeclarations,
  Sd extends SideDeclarations,
  X extends Given,
  Y extends Given,
  O extends CellDeclarations = {},
  B extends BroadcastDeclarations = {},
> {
  /** Per key: `value`, `list`, `map` and `reducing`. */
  readonly state?: S;
  /**
   * Per task, whichever key it is called for: `reducing`, `list`, `map`, and `value` with `unite`. None of it has a time to
   * live. Of a shard that is split the low half has it, and the other begins anew; of two that are merged it becomes one.
   */
  readonly operatorState?: O;
  /** Per key: `eventTime` or `processingTime`. */
  readonly timers?: Tm;
  readonly sides?: Sd;
  /** Broadcast streams that it reads. Only behind a `keyBy`. */
  readonly broadcast?: B;
  /** Raised when state or timers are taken out. @default 1 */
  readonly version?: number;
  /**
   * By version, what the next one took out: the names of state, of operator state as `operatorState.name`, and of timers
   * as `timers.name`. What is stored of it goes.
   * What is added needs no word: it is simply not set yet.
   */
  readonly migrate?: { readonly [version: number]: Pick<PartsChange, "removed"> };
  /** Names that the operator had: its state was stored under them. */
  readonly was?: readonly string[];
  /** Called with each record. What it yields are rows with the record's key and event time. */
  readonly onRecord: (record: T, context: ProcessContext<K, S, Tm, Sd, O, B>) => X;
  /** Called with each timer that fires, after it was cleared. What it yields are rows with its key and event time. */
  readonly onTimer?: (timer: keyof Tm & string, context: ProcessContext<K, S, Tm, Sd, O, B>) => Y;
}

/** User code that runs once per record of either of two connected streams, and once per timer. */
export interface ConnectedFunction<
  T,
  U,
  K,
  S extends CellDeclarations,
  Tm extends TimerDeclarations,
  Sd extends SideDeclarations,
  X extends Given,
  Y extends Given,
  Z extends Given,
  O extends CellDeclarations = {},
  B extends BroadcastDeclarations = {},
> extends ProcessFunction<T, K, S, Tm, Sd, X, Y, O, B> {
  /** Called with each record of the other stream, the one that was given to `connect`. */
  readonly onOther: (record: U, context: ProcessContext<K, S, Tm, Sd, O, B>) => Z;
}

/** A process function as the runtime knows it. */
export interface ProcessDefinition {
  readonly state: CellDeclarations;
  readonly operatorState: CellDeclarations;
  readonly timers: TimerDeclarations;
  readonly sides: SideDeclarations;
  /** The version of the set of its state and timers, and how it came about. */
  readonly evolution: Pick<EvolvingShape, "version" | "changes">;
  readonly onRecord: (record: never, context: never) => unknown;
  /** Undefined where no stream is connected. */
  readonly onOther: ((record: never, context: never) => unknown) | undefined;
  readonly onTimer: ((timer: never, context: never) => unknown) | undefined;
}
