import type { Journal, Undoable } from "./journal.ts";
import { SpaceQueue } from "./space-queue.ts";

/** What changed in a table since its last commit, ready for a codec. */
export interface TableDelta {
  /** The highest space ever dropped. */
  readonly floor: number;
  /** Spaces whose every entry went. Applied first. */
  readonly dropped: readonly number[];
  /** Per space: keys whose entry went. */
  readonly removed: readonly (readonly [space: number, keys: readonly string[]])[];
  /** Per space: keys, and their values in the same order. */
  readonly put: readonly (readonly [space: number, keys: readonly string[], values: readonly unknown[]])[];
}

/**
 * An operator's keyed state: (space, key) → value. A space is a window's end, or a timer's time; an operator
 * without event time uses one space.
 *
 * Values are never changed in place: one puts the next. The table knows what was touched since
 * {@link takeDelta}, so a delta holds only what changed.
 */
export class KeyedTable implements Undoable {
  readonly #journal: Journal;
  readonly #spaces = new Map<number, Map<string, unknown>>();
  readonly #queue = new SpaceQueue((space) => this.#spaces.has(space));
  /** Per space and key, whether the last commit and the spaces dropped since have an entry there. */
  readonly #touched = new Map<number, Map<string, boolean>>();
  readonly #dropped = new Set<number>();
  /** Per key the spaces where it has an entry; made when first asked for. */
  #spacesOfKeys: Map<string, number[]> | undefined = undefined;
  #size = 0;
  #floor = Number.NEGATIVE_INFINITY;

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
    return this.#queue.least;
  }

  /** The spaces that have entries. */
  spaces(): IterableIterator<number> {
    return this.#spaces.keys();
  }

  /** The spaces where a key has an entry, in no order. */
  spacesOf(key: string): readonly number[] {
    if (this.#spacesOfKeys === undefined) {
      this.#spacesOfKeys = new Map();
      for (const [space, entries] of this.#spaces) for (const each of entries.keys()) this.#index(space, each);
    }
    return this.#spacesOfKeys.get(key) ?? [];
  }

  entriesOf(space: number): ReadonlyMap<string, unknown> {
    return this.#spaces.get(space) ?? NOTHING;
  }

  get(space: number, key: string): unknown {
    return this.#spaces.get(space)?.get(key);
  }

  put(space: number, key: string, value: unknown): void {
    this.#change(space, key, value);
  }

  /** Removes an entry, if there is one. */
  remove(space: number, key: string): void {
    if (this.get(space, key) !== undefined) this.#change(space, key, undefined);
  }

  /** Removes a whole space. Not undone with a unit: a closed window stays closed (X7). */
  drop(space: number): void {
    this.#forget(space);
    this.#touched.delete(space);
    this.#dropped.add(space);
    this.#floor = Math.max(this.#floor, space);
  }

  /** Number of entries a delta would hold now. */
  get touchedSize(): number {
    let size = this.#dropped.size;
    for (const [space, keys] of this.#touched) {
      const entries = this.entriesOf(space);
      for (const [key, wasThere] of keys) if (wasThere || entries.has(key)) size++;
    }
    return size;
  }

  /** The changes since the last call; they count as committed. */
  takeDelta(): TableDelta {
    const removed: [number, string[]][] = [];
    const put: [number, string[], unknown[]][] = [];
    for (const [space, touched] of this.#touched) {
      const entries = this.entriesOf(space);
      const gone: string[] = [];
      const keys: string[] = [];
      for (const [key, wasThere] of touched) {
        if (entries.has(key)) keys.push(key);
        else if (wasThere) gone.push(key);
      }
      if (gone.length > 0) removed.push([space, gone]);
      if (keys.length > 0) put.push([space, keys, keys.map((key) => entries.get(key))]);
    }
    const delta = { floor: this.#floor, dropped: [...this.#dropped], removed, put };
    this.#touched.clear();
    this.#dropped.clear();
    return delta;
  }

  /** Everything, as a delta against an empty table. */
  snapshot(): TableDelta {
    const put = [...this.#spaces].map(
      ([space, entries]) => [space, [...entries.keys()], [...entries.values()]] as const,
    );
    return { floor: this.#floor, dropped: [], removed: [], put };
  }

  /** Applies a committed delta. */
  apply(delta: TableDelta): void {
    this.#floor = Math.max(this.#floor, delta.floor);
    for (const space of delta.dropped) this.#forget(space);
    for (const [space, keys] of delta.removed) for (const key of keys) this.#set(space, key, undefined);
    for (const [space, keys, values] of delta.put) {
      for (let i = 0; i < keys.length; i++) this.#set(space, keys[i]!, values[i]);
    }
  }

  clear(): void {
    this.#spaces.clear();
    this.#queue.clear();
    this.#touched.clear();
    this.#dropped.clear();
    this.#spacesOfKeys = undefined;
    this.#size = 0;
    this.#floor = Number.NEGATIVE_INFINITY;
  }

  /** Puts back what an entry was. */
  undoChange(space: number, key: string, before: unknown): void {
    this.#set(space, key, before);
  }

  #change(space: number, key: string, value: unknown): void {
    const before = this.get(space, key);
    this.#set(space, key, value);
    this.#journal.record(this, space, key, before);
    let touched = this.#touched.get(space);
    if (touched === undefined) this.#touched.set(space, (touched = new Map<string, boolean>()));
    if (!touched.has(key)) touched.set(key, before !== undefined);
  }

  #set(space: number, key: string, value: unknown): void {
    let entries = this.#spaces.get(space);
    if (value === undefined) {
      if (entries?.delete(key) !== true) return;
      this.#size--;
      if (entries.size === 0) this.#spaces.delete(space);
      this.#unindex(space, key);
      return;
    }
    if (entries === undefined) {
      this.#spaces.set(space, (entries = new Map<string, unknown>()));
      this.#queue.add(space);
    }
    const size = entries.size;
    entries.set(key, value);
    if (entries.size === size) return;
    this.#size++;
    this.#index(space, key);
  }

  #forget(space: number): void {
    const entries = this.entriesOf(space);
    this.#size -= entries.size;
    if (this.#spacesOfKeys !== undefined) for (const key of entries.keys()) this.#unindex(space, key);
    this.#spaces.delete(space);
  }

  #index(space: number, key: string): void {
    const spaces = this.#spacesOfKeys?.get(key);
    if (spaces === undefined) this.#spacesOfKeys?.set(key, [space]);
    else spaces.push(space);
  }

  #unindex(space: number, key: string): void {
    const spaces = this.#spacesOfKeys?.get(key);
    if (spaces === undefined) return;
    if (spaces.length === 1) this.#spacesOfKeys!.delete(key);
    else spaces.splice(spaces.indexOf(space), 1);
  }
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();
