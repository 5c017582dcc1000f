import type { Aggregate } from "../aggregates/aggregate.ts";
import { floorOf } from "../state/inheritance.ts";
import type { KeyValues } from "../state/key.ts";
import type { KeyedTable } from "../state/keyed-table.ts";
import type { TaskState } from "../state/task-state.ts";
import { END_OF_TIME } from "../time/instant.ts";
import type { CheckedTrigger } from "../windows/trigger.ts";
import type { WindowAssigner } from "../windows/window.ts";
import { Aggregation } from "./aggregation.ts";
import type { EvolvingShape } from "./evolution/state-shape.ts";

/** A window operator, as a pipeline describes it. */
export interface WindowSpec<A extends WindowAssigner = WindowAssigner> {
  readonly name: string;
  readonly assigner: A;
  /** Milliseconds a window stays open after its end. */
  readonly allowedLateness: number;
  /** Undefined for one row per window. */
  readonly trigger: CheckedTrigger | undefined;
  /** The key's fields, in order. */
  readonly keyFields: readonly string[];
  readonly aggregates: Readonly<Record<string, Aggregate<never, unknown>>>;
  /** The version of the set of aggregates, and how it came about. */
  readonly evolution: Pick<EvolvingShape, "version" | "changes">;
  /**
   * Milliseconds by which this operator's watermark trails the task's: the allowed lateness of the
   * windows before it, whose rows come that much after their event time.
   */
  readonly delay: number;
}

/** The state's shape: what stored windows must agree with, or lead to. */
export function windowShape({ name, assigner, keyFields, aggregates, trigger, evolution }: WindowSpec): EvolvingShape {
  const firing = trigger === undefined ? "" : ` firing ${firingShape(trigger)}`;
  return {
    fixed: `${assigner.shape} by ${keyFields.join()}${firing}`,
    ...evolution,
    parts: new Aggregation(name, aggregates).parts,
    isSparse: false,
  };
}

const firingShape = ({ early, late, accumulation }: CheckedTrigger): string =>
  [early && "early", late && "late", accumulation].filter((part) => part !== undefined).join("+");

/** How far event time has come for the windows of a table, whose spaces are their ends. */
export class Frontier {
  readonly #state: TaskState;
  readonly #name: string;
  readonly #table: KeyedTable;
  /** Milliseconds from a window's end to its closing, by the task's watermark. */
  readonly #delay: number;

  /** @param table its name */
  constructor(state: TaskState, table: string, delay: number) {
    this.#state = state;
    this.#name = table;
    this.#table = state.table(table);
    this.#delay = delay;
  }

  /** The task's watermark at which a window that ends then closes; infinity for no end. */
  dueOf(end: number): number {
    return end === Number.POSITIVE_INFINITY ? end : Math.min(end + this.#delay, END_OF_TIME);
  }

  /** A window that was closed stays closed, even if a later build allows more lateness. */
  isClosed(end: number, key: KeyValues): boolean {
    const { watermark, floors } = this.#state;
    if (this.dueOf(end) <= watermark || end <= this.#table.floor) return true;
    if (floors.length === 0) return false;
    const { watermark: least, space } = this.#floorOf(key);
    return this.dueOf(end) <= least || end <= space;
  }

  /** The task's watermark, or how far the key's range had come before it was merged with one that is behind. */
  watermarkOf(key: KeyValues): number {
    const { watermark, floors } = this.#state;
    return floors.length === 0 ? watermark : Math.max(watermark, this.#floorOf(key).watermark);
  }

  /** The highest space that was closed for a key, however settings have changed since. */
  closedSpaceOf(key: KeyValues): number {
    const { floor } = this.#table;
    return this.#state.floors.length === 0 ? floor : Math.max(floor, this.#floorOf(key).space);
  }

  #floorOf(key: KeyValues) {
    return floorOf(this.#state.floors, this.#state.hashOf(key), this.#name);
  }
}
