import type { SortedRun } from "./sorted-run.ts";

/** Stands where an entry of the run was removed. */
export const GONE = Symbol("gone");

export const isThere = (value: unknown): boolean => value !== undefined && value !== GONE;

type Entry = readonly [key: string, value: unknown];

/** What a space has in a run, less what was put and removed since; and then what was put. */
export function* overlaidEntries(
  run: SortedRun,
  place: number,
  changes: ReadonlyMap<string, unknown> = new Map(),
): Generator<Entry> {
  for (const entry of run.entriesOf(place)) if (!changes.has(entry[0])) yield entry;
  for (const entry of changes) if (isThere(entry[1])) yield entry;
}

/** A space's entries in the order of their keys, each made when it comes. @param run what it has in one */
export function* orderedEntries(
  changes: ReadonlyMap<string, unknown>,
  run: Iterable<Entry>,
): Generator<Entry, void, void> {
  const keys = [...changes.keys()].sort();
  let at = 0;
  for (const entry of run) {
    for (; at < keys.length && keys[at]! < entry[0]; at++) {
      const value = changes.get(keys[at]!);
      if (isThere(value)) yield [keys[at]!, value];
    }
    if (keys[at] !== entry[0]) yield entry;
  }
  for (; at < keys.length; at++) {
    const value = changes.get(keys[at]!);
    if (isThere(value)) yield [keys[at]!, value];
  }
}
