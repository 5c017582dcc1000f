import { END_OF_TIME } from "../time/instant.ts";
import type { KeyedTable, TableDelta } from "./keyed-table.ts";

/**
 * A table that every task of a stage has whole. What is there for a key is the newest of all that was ever sent for it:
 * the one of the latest event time and, of several of one time, of the greatest tie. So tasks that were sent the same have
 * the same, in whatever order it came and how often, and joining their tables is as if one task had been sent it all.
 */
export interface ReplicatedEntry {
  /** Event time. */
  readonly time: number;
  /** Decides among elements of one time; empty for a removal. */
  readonly tie: string;
  /** Nothing for a removal. */
  readonly value: { readonly is: unknown } | undefined;
}

/** As it is stored: without a third item it says that the key was removed. */
type Stored = readonly [time: number, tie: string, value?: unknown];

/** The space of what is there. Removals are in the space of their time, so that the oldest is found at once. */
export const PRESENT = END_OF_TIME;

export const isNewer = (a: Pick<ReplicatedEntry, "time" | "tie">, b: Pick<ReplicatedEntry, "time" | "tie">): boolean =>
  a.time !== b.time ? a.time > b.time : a.tie > b.tie;

/** Puts an entry, unless a newer one is there. @returns whether it was put */
export function putNewer(table: KeyedTable, key: string, entry: ReplicatedEntry): boolean {
  const space = table.spacesOf(key).first;
  if (space !== undefined) {
    if (!isNewer(entry, entryIn(table.get(space, key)))) return false;
    table.remove(space, key);
  }
  table.put(...placed(entry, key));
  return true;
}

/** Forgets removals of a time and before. */
export function forgetRemovals(table: KeyedTable, until: number): void {
  for (let space = table.least; space <= until && space < PRESENT; space = table.least) {
    for (const key of [...table.entriesOf(space).keys()]) table.remove(space, key);
  }
}

/** What the task of merged partitions has: of each key the newest that any parent has. */
export function joinReplicated(tables: readonly TableDelta[]): TableDelta {
  const newest = new Map<string, ReplicatedEntry>();
  for (const [, keys, values] of tables.flatMap(({ put }) => put)) {
    keys.forEach((key, i) => {
      const entry = entryIn(values[i]);
      const before = newest.get(key);
      if (before === undefined || isNewer(entry, before)) newest.set(key, entry);
    });
  }
  const put = new Map<number, [space: number, keys: string[], values: unknown[]]>();
  for (const [key, entry] of newest) {
    const [space, , value] = placed(entry, key);
    const one = put.get(space) ?? [space, [], []];
    put.set(space, one);
    one[1].push(key);
    one[2].push(value);
  }
  return { floor: Number.NEGATIVE_INFINITY, dropped: [], removed: [], put: [...put.values()] };
}

/** Whether a value is an entry as this library stores it. */
export const isEntry = (stored: unknown): stored is Stored =>
  Array.isArray(stored) &&
  (stored.length === 2 || stored.length === 3) &&
  Number.isSafeInteger(stored[0]) &&
  typeof stored[1] === "string";

export const entryIn = (stored: unknown): ReplicatedEntry => {
  const [time, tie, ...value] = stored as Stored;
  return { time, tie, value: value.length === 0 ? undefined : { is: value[0] } };
};

const placed = ({ time, tie, value }: ReplicatedEntry, key: string): [space: number, key: string, value: Stored] =>
  value === undefined ? [time, key, [time, tie]] : [PRESENT, key, [time, tie, value.is]];
