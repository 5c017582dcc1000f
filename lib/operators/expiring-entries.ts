import { entryKey, partIn, SINGLE, spaceOf, spaceOfPart } from "../state/entry-key.ts";
import type { KeyedTable } from "../state/keyed-table.ts";
import type { TaskState } from "../state/task-state.ts";
import { END_OF_TIME } from "../time/instant.ts";

/** An entry as it is stored. Without a time of expiry it lives for good. */
export type StoredEntry = readonly [value: unknown, expires?: number];

/** The table beside an operator's own that says when to look whether an entry has expired. */
export const expiryTableOf = (operator: string): string => `${operator}$expiry`;

/** An entry leaves the state later than it expires by this part of its time to live at most. */
const GRANULARITY = 16;

/**
 * An operator's entries that live for a time after they were last written.
 *
 * State: the operator's table has [value, expires] under the keys of `entry-key.ts`. The table of expiry has, under the
 * same key, the time at which to look: written once per entry, not at each refresh, and rounded, so that many entries
 * share a space. Whether an entry can be seen depends on its own time alone.
 */
export class ExpiringEntries {
  readonly #name: string;
  readonly #expiryName: string;
  readonly #state: TaskState;

  constructor(name: string, state: TaskState) {
    this.#name = name;
    this.#expiryName = expiryTableOf(name);
    this.#state = state;
  }

  /** @param clock event time: what expires at or before it is not seen */
  get(space: number, key: string, clock: number): unknown {
    const entry = this.#table.get(space, key) as StoredEntry | undefined;
    return entry === undefined || isPast(entry, clock) ? undefined : entry[0];
  }

  /** What an entry is stored as, be it expired; undefined where there is none. */
  stored(space: number, key: string): StoredEntry | undefined {
    return this.#table.get(space, key) as StoredEntry | undefined;
  }

  /** A part's entries, in no order. */
  entriesOf(part: string, clock: number): readonly (readonly [entry: string, value: unknown])[] {
    const prefix = entryKey(part, "");
    const found: (readonly [string, unknown])[] = [];
    for (const [key, entry] of this.#table.entriesOf(spaceOfPart(part)) as ReadonlyMap<string, StoredEntry>) {
      if (key.startsWith(prefix) && !isPast(entry, clock)) found.push([key.slice(prefix.length), entry[0]]);
    }
    return found;
  }

  /**
   * @param before what is {@link stored} there
   * @param time event time of the writing
   * @param ttl milliseconds; infinity for good
   */
  replace(
    space: number,
    key: string,
    before: StoredEntry | undefined,
    value: unknown,
    time: number,
    ttl: number,
  ): void {
    if (ttl === Number.POSITIVE_INFINITY) return this.#table.replace(space, key, before, [value]);
    const expires = Math.min(Math.max(time + ttl, before?.[1] ?? Number.NEGATIVE_INFINITY), END_OF_TIME);
    this.#table.replace(space, key, before, [value, expires]);
    if (this.#expiry.spacesOf(key).size === 0) this.#expiry.put(roundUp(expires, ttl), key, true);
  }

  remove(space: number, key: string): void {
    this.#table.remove(space, key);
    if (!this.#state.hasTable(this.#expiryName)) return;
    for (const at of [...this.#expiry.spacesOf(key)]) this.#expiry.remove(at, key);
  }

  /** Removes all of a part. */
  removePart(part: string): void {
    const prefix = entryKey(part, "");
    const space = spaceOfPart(part);
    for (const key of [...this.#table.entriesOf(space).keys()]) if (key.startsWith(prefix)) this.remove(space, key);
    this.remove(SINGLE, part);
  }

  /** Removes what has expired (X9). Between units: it is not undone. */
  expire(watermark: number): void {
    if (!this.#state.hasTable(this.#expiryName)) return;
    const expiry = this.#expiry;
    while (expiry.least <= watermark) {
      const at = expiry.least;
      for (const key of [...expiry.entriesOf(at).keys()]) {
        const space = spaceOf(key);
        const entry = this.#table.get(space, key) as StoredEntry | undefined;
        // One that was written again has longer to live.
        if (entry?.[1] !== undefined && entry[1] > watermark) expiry.put(entry[1], key, true);
        else if (entry?.[1] !== undefined) this.#forget(space, key);
      }
      expiry.drop(at);
    }
  }

  /** A part that has no entries any more needs no head. */
  #forget(space: number, key: string): void {
    this.#table.remove(space, key);
    const { entry } = partIn(key);
    if (entry === undefined) return;
    const part = key.slice(0, -entry.length - 1);
    const prefix = entryKey(part, "");
    for (const other of this.#table.entriesOf(space).keys()) if (other.startsWith(prefix)) return;
    this.#table.remove(SINGLE, part);
  }

  get #table(): KeyedTable {
    return this.#state.table(this.#name);
  }

  get #expiry(): KeyedTable {
    return this.#state.table(this.#expiryName);
  }
}

const isPast = ([, expires]: StoredEntry, clock: number): boolean => expires !== undefined && expires <= clock;

function roundUp(time: number, ttl: number): number {
  const step = 2 ** Math.floor(Math.log2(Math.max(1, ttl / GRANULARITY)));
  return Math.min(Math.ceil(time / step) * step, END_OF_TIME);
}
