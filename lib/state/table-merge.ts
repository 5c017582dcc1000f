import type { FrozenChanges } from "./changes.ts";
import { LiveRun } from "./live-run.ts";
import { GONE, isThere } from "./overlaid-entries.ts";
import { mergedRun, type RunLimits } from "./run-writer.ts";
import type { SortedRun } from "./sorted-run.ts";

/** What a table has in a run, and over it. */
interface TableContent {
  readonly spaces: ReadonlyMap<number, Map<string, unknown>>;
  readonly run: LiveRun | undefined;
}

/** A run under a table, and what lies over it. */
interface Overlaid {
  readonly run: LiveRun;
  /** Of the run's spaces what was put and removed; of others all they have. */
  readonly spaces: Map<number, Map<string, unknown>>;
  /** Those that are not the run's. */
  readonly whole: readonly number[];
  /** Number of entries that were put or removed in the run's. */
  readonly changed: number;
}

/**
 * What a table had at one moment, on its way into a sorted run a part at a time, while the table goes on to change. The
 * table tells it what does, so that the run can lie under it once it is made.
 */
export class TableMerge {
  readonly #steps: Generator<number, SortedRun>;
  readonly #restore: (value: unknown, key: string) => unknown;
  #made: SortedRun | undefined = undefined;
  /** What was put and removed since, as it would lie over the run. */
  readonly #since = new Map<number, Map<string, unknown>>();
  readonly #dropped = new Set<number>();

  /** @param restore what makes a stored value the table's */
  constructor(
    run: SortedRun | undefined,
    changes: FrozenChanges,
    limits: RunLimits,
    restore: (value: unknown, key: string) => unknown,
  ) {
    this.#steps = mergedRun(run, changes, (value) => value === GONE, limits);
    this.#restore = restore;
  }

  /** An entry is put, or removed. */
  note(space: number, key: string, value: unknown): void {
    let changes = this.#since.get(space);
    if (changes === undefined) this.#since.set(space, (changes = new Map<string, unknown>()));
    changes.set(key, value === undefined ? GONE : value);
  }

  /** A space goes as a whole: what it has from now on is no matter of the run's. */
  noteDropped(space: number): void {
    this.#dropped.add(space);
    this.#since.delete(space);
  }

  /**
   * Does about as much as so many entries take that lie in the run and stay there. What was put since counts three times: it
   * is sorted, in two goes, and written.
   *
   * @returns how much was done
   */
  step(most: number): number {
    let work = 0;
    while (this.#made === undefined && work < most) {
      const { done, value } = this.#steps.next();
      if (done === true) this.#made = value.restoredBy(this.#restore);
      else work += value;
    }
    return work;
  }

  /** Undefined until all is done. */
  get made(): SortedRun | undefined {
    return this.#made;
  }

  /** What the table has now, over the run that was made. */
  over(run: SortedRun, table: TableContent): Overlaid {
    const live = new LiveRun(run);
    for (const space of this.#dropped) {
      const place = live.placeOf(space);
      if (place >= 0) live.drop(place);
    }
    const spaces = new Map<number, Map<string, unknown>>();
    const whole: number[] = [];
    for (const [space, entries] of table.spaces) {
      if (live.placeOf(space) >= 0) continue;
      const isOverlay = table.run !== undefined && table.run.placeOf(space) >= 0;
      const all = isOverlay ? new Map([...entries].filter(([, value]) => isThere(value))) : entries;
      if (all.size === 0) continue;
      spaces.set(space, all);
      whole.push(space);
    }
    let changed = 0;
    for (const [space, changes] of this.#since) {
      const place = live.placeOf(space);
      if (place < 0) continue;
      spaces.set(space, changes);
      changed += changes.size;
      const before = table.run?.placeOf(space) ?? -1;
      const count = before >= 0 ? table.run!.sizeAt(before) : (table.spaces.get(space)?.size ?? 0);
      live.grow(place, count - live.sizeAt(place));
    }
    return { run: live, spaces, whole, changed };
  }
}
