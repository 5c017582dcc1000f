import type { Journal, Undoable } from "./journal.ts";
import { KeySpaces, type SpacesOfKey } from "./key-spaces.ts";
import { LiveRun } from "./live-run.ts";
import { RunDelta } from "./run-delta.ts";
import { GONE, orderedEntries, overlaidEntries } from "./overlaid-entries.ts";
import type { RunLimits } from "./run-writer.ts";
import { SpaceQueue } from "./space-queue.ts";
import { LARGE_TABLE, type TableDelta } from "./table-delta.ts";
import { TableMerge } from "./table-merge.ts";
import { Touched } from "./touched.ts";

export type { TableDelta } from "./table-delta.ts";

/**
 * An operator's keyed state: (space, key) → value. A space is a window's end, or a timer's time; an operator
 * without event time uses one space.
 *
 * Values are never changed in place: one puts the next. The table knows what was touched since
 * {@link takeDelta}, so a delta holds only what changed.
 *
 * What a large table had at its last checkpoint is a sorted run: its entries are made when they are asked for. Over it
 * lies what was put and removed since.
 */
export class KeyedTable implements Undoable {
  readonly #journal: Journal;
  /** All entries; of spaces that the run has those that were put since, and {@link GONE} for those that were removed. */
  #spaces = new Map<number, Map<string, unknown>>();
  #run: LiveRun | undefined = undefined;
  /** What is to be the run, while it is made. */
  #merge: TableMerge | undefined = undefined;
  readonly #queue = new SpaceQueue((space) => this.#spaces.has(space));
  readonly #touched = new Touched((space) => this.#spaces.get(space) ?? NOTHING);
  /** Per key the spaces where it has an entry; made when first asked for. */
  #spacesOfKeys: KeySpaces | undefined = undefined;
  #size = 0;
  /** Entries of the run's spaces that were put or removed since. */
  #changed = 0;
  #floor = Number.NEGATIVE_INFINITY;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Number of entries. */
  get size(): number {
    return this.#size;
  }

  /** Number of entries beside those that are as the run has them; none in a table that cannot have one. */
  get loose(): number {
    if (this.#run === undefined) return this.#spacesOfKeys === undefined ? this.#size : 0;
    return this.#size - this.#run.size + this.#changed;
  }

  /** Number of entries that are as the run has them, less what was removed from it. */
  get inRun(): number {
    return this.#run === undefined ? 0 : Math.max(this.#run.size - this.#changed, 0);
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
    return this.#run === undefined ? this.#queue.least : Math.min(this.#queue.least, this.#run.least);
  }

  /** The spaces that have entries. */
  *spaces(): Generator<number> {
    if (this.#run !== undefined) yield* this.#run.spaces();
    for (const space of this.#spaces.keys()) if (this.#placeOf(space) < 0) yield space;
  }

  /** The spaces where a key has an entry. */
  spacesOf(key: string): SpacesOfKey {
    if (this.#spacesOfKeys === undefined) {
      for (const space of [...(this.#run?.spaces() ?? []), ...this.#spaces.keys()]) this.entriesOf(space);
      this.#run = undefined;
      this.#spacesOfKeys = new KeySpaces();
      for (const [space, entries] of this.#spaces)
        for (const each of entries.keys()) this.#spacesOfKeys.add(space, each);
    }
    return this.#spacesOfKeys.of(key);
  }

  /** A space's entries, all of which are made. */
  entriesOf(space: number): ReadonlyMap<string, unknown> {
    const place = this.#placeOf(space);
    if (place >= 0) {
      const entries = new Map(overlaidEntries(this.#run!.run, place, this.#spaces.get(space)));
      this.#dropFromRun(place, space);
      if (entries.size > 0) {
        this.#spaces.set(space, entries);
        this.#queue.add(space);
      } else this.#deleteSpace(space);
    }
    return this.#spaces.get(space) ?? NOTHING;
  }

  get(space: number, key: string): unknown {
    const value = this.#spaces.get(space)?.get(key);
    if (this.#run === undefined || value !== undefined) return value === GONE ? undefined : value;
    return this.#run.get(space, key);
  }

  put(space: number, key: string, value: unknown): void {
    this.#change(space, key, this.get(space, key), value);
  }

  /** {@link put} for who has just asked for what is there. */
  replace(space: number, key: string, before: unknown, value: unknown): void {
    this.#change(space, key, before, value);
  }

  /** Removes an entry, if there is one. */
  remove(space: number, key: string): void {
    const before = this.get(space, key);
    if (before !== undefined) this.#change(space, key, before, undefined);
  }

  /** Removes a whole space. Not undone with a unit: a closed window stays closed (X7). */
  drop(space: number): void {
    this.#forget(space);
    this.#touched.drop(space);
    this.#floor = Math.max(this.#floor, space);
  }

  /** Takes a space out, as {@link drop} does: its entries in the order of their keys, each made when it comes. */
  take(space: number): Iterable<readonly [key: string, value: unknown]> {
    const place = this.#placeOf(space);
    const taken = orderedEntries(this.#spaces.get(space) ?? NOTHING, place < 0 ? [] : this.#run!.run.entriesOf(place));
    this.drop(space);
    return taken;
  }

  /** The changes since the last call; they count as committed. */
  takeDelta(): TableDelta {
    const { created, ...changes } = this.#touched.take();
    const isLarge = this.#run !== undefined || this.#size >= LARGE_TABLE;
    return { floor: this.#floor, ...changes, ...(isLarge && { created }) };
  }

  /** Everything, as a delta against an empty table. */
  snapshot(): TableDelta {
    const put = Array.from(this.spaces(), (space) => {
      const place = this.#placeOf(space);
      const entries =
        place < 0 ? this.#spaces.get(space)! : new Map(overlaidEntries(this.#run!.run, place, this.#spaces.get(space)));
      return [space, [...entries.keys()], [...entries.values()]] as const;
    });
    return { floor: this.#floor, dropped: [], removed: [], put };
  }

  /**
   * Begins to make a sorted run of everything, in which a large table has its entries once it {@link adopt}s it. Not of a
   * small one, nor of one of which something is not committed yet.
   *
   * @param restore what makes a stored value the table's
   */
  beginMerge(limits: RunLimits, restore: (value: unknown, key: string) => unknown): TableMerge | undefined {
    this.#merge = undefined;
    const isSmall = this.#size === 0 || this.#size < limits.entries;
    if (isSmall || this.#spacesOfKeys !== undefined || !this.#touched.isEmpty) return undefined;
    const [keys, values]: [string[], unknown[]] = [[], []];
    const inOrder = [...this.spaces()].sort((a, b) => a - b);
    const spaces = inOrder.map((space) => {
      this.#spaces.get(space)?.forEach((value, key) => {
        keys.push(key);
        values.push(value);
      });
      return { space, place: this.#placeOf(space), end: keys.length };
    });
    this.#merge = new TableMerge(this.#run?.run, { keys, values, spaces }, limits, restore);
    return this.#merge;
  }

  /** Has in the run that was made what it had when that was begun. Who began another since, or was replaced, does without. */
  adopt(merge: TableMerge): void {
    if (this.#merge !== merge || merge.made === undefined) return;
    this.#merge = undefined;
    if (this.#spacesOfKeys !== undefined) return;
    const { run, spaces, whole, changed } = merge.over(merge.made, { spaces: this.#spaces, run: this.#run });
    [this.#run, this.#spaces, this.#changed] = [run.isDone ? undefined : run, spaces, changed];
    this.#queue.clear();
    for (const space of whole) this.#queue.add(space);
  }

  /** Applies a committed delta. */
  apply(delta: TableDelta): void {
    this.#floor = Math.max(this.#floor, delta.floor);
    if (delta instanceof RunDelta && this.#size === 0 && this.#spacesOfKeys === undefined) {
      this.#spaces.clear();
      this.#queue.clear();
      [this.#run, this.#size, this.#changed] = [new LiveRun(delta.run), delta.run.size, 0];
      return;
    }
    const { created } = delta;
    for (const space of delta.dropped) this.#forget(space);
    const isKnown = created?.length === delta.put.length || undefined;
    for (const [space, keys] of delta.removed) for (const key of keys) this.#set(space, key, undefined, isKnown);
    for (const [i, [space, keys, values]] of delta.put.entries()) {
      const place = isKnown ? this.#placeOf(space) : -1;
      if (place < 0) for (let at = 0; at < keys.length; at++) this.#set(space, keys[at]!, values[at]);
      else {
        const changes = this.#changesOf(space);
        const before = changes.size;
        for (let at = 0; at < keys.length; at++) {
          this.#merge?.note(space, keys[at]!, values[at]);
          changes.set(keys[at]!, values[at]);
        }
        this.#changed += changes.size - before;
        this.#grow(place, created![i]!);
      }
    }
  }

  clear(): void {
    this.#spaces.clear();
    this.#run = undefined;
    this.#merge = undefined;
    this.#queue.clear();
    this.#touched.clear();
    this.#spacesOfKeys = undefined;
    this.#size = 0;
    this.#floor = Number.NEGATIVE_INFINITY;
  }

  /** Puts back what an entry was. */
  undoChange(space: number, key: string, before: unknown): void {
    this.#set(space, key, before);
  }

  #change(space: number, key: string, before: unknown, value: unknown): void {
    this.#set(space, key, value, before !== undefined);
    this.#journal.record(this, space, key, before);
    this.#touched.note(space, key, before !== undefined);
  }

  /** @param wasThere whether there is an entry now, where that is known */
  #set(space: number, key: string, value: unknown, wasThere?: boolean): void {
    this.#merge?.note(space, key, value);
    const place = this.#placeOf(space);
    if (place >= 0) {
      const change = Number(value !== undefined) - Number(wasThere ?? this.get(space, key) !== undefined);
      const changes = this.#changesOf(space);
      const before = changes.size;
      changes.set(key, value === undefined ? GONE : value);
      this.#changed += changes.size - before;
      this.#grow(place, change);
      return;
    }
    let entries = this.#spaces.get(space);
    if (value === undefined) {
      if (entries?.delete(key) !== true) return;
      this.#size--;
      if (entries.size === 0) this.#deleteSpace(space);
      this.#spacesOfKeys?.remove(space, key);
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
    this.#spacesOfKeys?.add(space, key);
  }

  /** The place of a space in the run; -1 when its entries are not there. */
  #placeOf(space: number): number {
    return this.#run === undefined ? -1 : this.#run.placeOf(space);
  }

  /** What was put and removed in a space of the run. */
  #changesOf(space: number): Map<string, unknown> {
    let changes = this.#spaces.get(space);
    if (changes === undefined) this.#spaces.set(space, (changes = new Map<string, unknown>()));
    return changes;
  }

  #grow(place: number, by: number): void {
    this.#size += by;
    this.#run!.grow(place, by);
  }

  #dropFromRun(place: number, space: number): void {
    this.#changed -= this.#spaces.get(space)?.size ?? 0;
    this.#run!.drop(place);
    if (this.#run!.isDone) this.#run = undefined;
  }

  #forget(space: number): void {
    this.#merge?.noteDropped(space);
    const place = this.#placeOf(space);
    if (place >= 0) {
      this.#size -= this.#run!.sizeAt(place);
      this.#dropFromRun(place, space);
      this.#deleteSpace(space);
      return;
    }
    const entries = this.#spaces.get(space) ?? NOTHING;
    this.#size -= entries.size;
    if (this.#spacesOfKeys !== undefined) for (const key of entries.keys()) this.#spacesOfKeys.remove(space, key);
    this.#deleteSpace(space);
  }

  #deleteSpace(space: number): void {
    this.#spaces.delete(space);
    this.#queue.gone(space);
  }
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();
