import type { KeyedTable } from "../state/keyed-table.ts";
import type { TaskState } from "../state/task-state.ts";
import type { FiringState } from "./open-windows.ts";

/** The table of the event times at which windows make rows before they close. */
export const firingsOf = (operator: string): string => `${operator}$firings`;
/** The table of the processing times at which they do. */
export const wakesOf = (operator: string): string => `${operator}$wakes`;

type Times = Pick<FiringState, "fireAt" | "wakeAt"> | undefined;

/**
 * When windows are due to make rows before they close. The windows' own state says it too; this finds what is due.
 *
 * State: two tables, of event and of processing time: space = the time, key = the window's end, a blank and its key in the
 * table of windows.
 */
export class WindowTimers {
  readonly #firings: KeyedTable;
  readonly #wakes: KeyedTable;

  constructor(state: TaskState, operator: string) {
    this.#firings = state.table(firingsOf(operator));
    this.#wakes = state.table(wakesOf(operator));
  }

  /** The least event time at which a window is due; infinity for none. */
  get nextFiring(): number {
    return this.#firings.least;
  }

  /** The least processing time at which a window is due; infinity for none. */
  get nextWake(): number {
    return this.#wakes.least;
  }

  /** A window that was due then is due at other times now; undefined for a window that is not, or no more. */
  set(end: number, entryKey: string, before: Times, after: Times): void {
    const key = `${end} ${entryKey}`;
    move(this.#firings, key, before?.fireAt, after?.fireAt);
    move(this.#wakes, key, before?.wakeAt, after?.wakeAt);
  }

  takeFirings(time: number): readonly TimedWindow[] {
    return take(this.#firings, time);
  }

  takeWakes(time: number): readonly TimedWindow[] {
    return take(this.#wakes, time);
  }
}

/** Where in the table of windows one is. */
export interface TimedWindow {
  readonly end: number;
  readonly entryKey: string;
}

/** The window that a key of the tables is of. */
export const timedWindowIn = (key: string): TimedWindow => {
  const blank = key.indexOf(" ");
  return { end: Number(key.slice(0, blank)), entryKey: key.slice(blank + 1) };
};

function move(table: KeyedTable, key: string, before: number | undefined, after: number | undefined): void {
  if (before === after) return;
  if (before !== undefined) table.remove(before, key);
  if (after !== undefined) table.put(after, key, true);
}

function take(table: KeyedTable, time: number): readonly TimedWindow[] {
  const keys = [...table.entriesOf(time).keys()].sort();
  for (const key of keys) table.remove(time, key);
  return keys.map(timedWindowIn);
}
