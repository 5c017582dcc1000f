import type { Journal } from "./journal.ts";

/** What changed in a table since its last commit, ready for a codec. */
export interface TableDelta {
  /** The highest space ever dropped. */
  readonly floor: number;
  /** Spaces whose every entry went. Applied first. */
  readonly dropped: readonly number[];
  /** Per space: keys, and their values in the same order. */
  readonly put: readonly (readonly [space: number, keys: readonly string[], values: readonly unknown[]])[];
}

/**
 * An operator's keyed state: (space, key) → value. A space is a window's start; an operator without
 * windows uses one space.
 *
 * Values are never changed in place: one puts the next. The table knows what was touched since
 * {@link takeDelta}, so a delta holds only what changed.
 */
export class KeyedTable {
  readonly #journal: Journal;
  readonly #spaces = new Map<number, Map<string, unknown>>();
  readonly #touched = new Map<number, Set<string>>();
  readonly #dropped = new Set<number>();
  #size = 0;
  #floor = Number.NEGATIVE_INFINITY;
  /** Kept until a space comes or goes. */
  #least: number | undefined = undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** The highest space ever dropped: what is at or below it was closed, however settings change. */
  get floor(): number {
    return this.#floor;
  }

  /** Counts what is at or below a space as dropped, if nothing there has entries. @returns whether that is so */
  raiseFloor(space: number): boolean {
    if (space > this.#floor && this.least <= space) return false;
    this.#floor = Math.max(this.#floor, space);
    return true;
  }

  /** The lowest space that has entries; infinity when there is none. */
  get least(): number {
    if (this.#least === undefined) {
      this.#least = Number.POSITIVE_INFINITY;
      for (const space of this.#spaces.keys()) if (space < this.#least) this.#least = space;
    }
    return this.#least;
  }

  /** The spaces that have entries. */
  spaces(): IterableIterator<number> {
    return this.#spaces.keys();
  }

  entriesOf(space: number): ReadonlyMap<string, unknown> {
    return this.#spaces.get(space) ?? NOTHING;
  }

  get(space: number, key: string): unknown {
    return this.#spaces.get(space)?.get(key);
  }

  put(space: number, key: string, value: unknown): void {
    const before = this.get(space, key);
    this.#set(space, key, value);
    this.#journal.record(() => this.#set(space, key, before));
    const touched = this.#touched.get(space);
    if (touched === undefined) this.#touched.set(space, new Set([key]));
    else touched.add(key);
  }

  /** Removes a whole space. Not undone with a unit: a closed window stays closed (X7). */
  drop(space: number): void {
    this.#size -= this.entriesOf(space).size;
    this.#spaces.delete(space);
    this.#touched.delete(space);
    this.#dropped.add(space);
    this.#floor = Math.max(this.#floor, space);
    this.#least = undefined;
  }

  /** Number of entries a delta would hold now. */
  get touchedSize(): number {
    let size = this.#dropped.size;
    for (const keys of this.#touched.values()) size += keys.size;
    return size;
  }

  /** The changes since the last call; they count as committed. */
  takeDelta(): TableDelta {
    const put: [number, string[], unknown[]][] = [];
    for (const [space, touched] of this.#touched) {
      const entries = this.entriesOf(space);
      const keys = [...touched].filter((key) => entries.has(key));
      if (keys.length > 0) put.push([space, keys, keys.map((key) => entries.get(key))]);
    }
    const delta = { floor: this.#floor, dropped: [...this.#dropped], put };
    this.#touched.clear();
    this.#dropped.clear();
    return delta;
  }

  /** Everything, as a delta against an empty table. */
  snapshot(): TableDelta {
    const put = [...this.#spaces].map(
      ([space, entries]) => [space, [...entries.keys()], [...entries.values()]] as const,
    );
    return { floor: this.#floor, dropped: [], put };
  }

  /** Applies a committed delta. */
  apply(delta: TableDelta): void {
    this.#floor = Math.max(this.#floor, delta.floor);
    this.#least = undefined;
    for (const space of delta.dropped) {
      this.#size -= this.entriesOf(space).size;
      this.#spaces.delete(space);
    }
    for (const [space, keys, values] of delta.put) {
      for (let i = 0; i < keys.length; i++) this.#set(space, keys[i]!, values[i]);
    }
  }

  clear(): void {
    this.#spaces.clear();
    this.#touched.clear();
    this.#dropped.clear();
    this.#size = 0;
    this.#floor = Number.NEGATIVE_INFINITY;
    this.#least = undefined;
  }

  #set(space: number, key: string, value: unknown): void {
    let entries = this.#spaces.get(space);
    if (value === undefined) {
      if (entries?.delete(key)) this.#size--;
      if (entries?.size === 0) {
        this.#spaces.delete(space);
        this.#least = undefined;
      }
      return;
    }
    if (entries === undefined) {
      this.#spaces.set(space, (entries = new Map<string, unknown>()));
      this.#least = undefined;
    }
    const size = entries.size;
    entries.set(key, value);
    this.#size += entries.size - size;
  }
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();
