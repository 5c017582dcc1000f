import { SINGLE } from "../../state/entry-key.ts";
import type { SpacesOfKey } from "../../state/key-spaces.ts";
import type { KeyedTable } from "../../state/keyed-table.ts";
import type { TaskState } from "../../state/task-state.ts";
import { END_OF_TIME } from "../../time/instant.ts";
import { compareOrders, type VersionOrder } from "./table-change.ts";

/** A row's version: valid from its time on. Without a row it says that there is none. */
export type RowVersion = readonly [from: number, order: VersionOrder | null, tie: string, row?: unknown];

/** The table of the versions that are not the newest any more. */
export const historyOf = (operator: string): string => `${operator}$history`;

/** A version, and the space where it is stored: the time until which it is valid; none for the newest. */
interface Stored {
  readonly version: RowVersion;
  readonly until: number | undefined;
}

/**
 * The rows of a table, each with those of its versions that may be asked for.
 *
 * State: the operator's own table has each row's newest version, by the key's code. The table of history has the ones before it;
 * space = until when it was valid. So what no one asks for any more is what is in a space that has passed, and the spaces of a
 * key are its history. A row that is there no more has its newest version in the history as well, until it is forgotten.
 */
export class RowVersions {
  readonly #name: string;
  readonly #state: TaskState;
  /** Milliseconds that a removal is known. */
  readonly #keepRemoved: number;

  constructor(operator: string, state: TaskState, keepRemoved: number) {
    this.#name = operator;
    this.#state = state;
    this.#keepRemoved = keepRemoved;
  }

  /** The version that is valid at a time, if there is one. */
  at(keyCode: string, time: number): RowVersion | undefined {
    const newest = this.#newest(keyCode);
    if (newest !== undefined && newest[0] <= time) return newest;
    const until = this.#spacesOf(keyCode)?.firstAbove(time);
    const version = until === undefined ? undefined : this.#before(until, keyCode);
    return version !== undefined && version[0] <= time ? version : undefined;
  }

  /** A row's versions that are known, in the order of their times. */
  of(keyCode: string): readonly RowVersion[] {
    const history = Array.from(this.#spacesOf(keyCode) ?? [], (until) => this.#before(until, keyCode));
    const newest = this.#newest(keyCode);
    return newest === undefined ? history : [...history, newest];
  }

  /** Whether anything is known of a row as of a time, be it that it was removed: whenever it is forgotten. */
  knows(keyCode: string, closed: number): boolean {
    return this.#newest(keyCode) !== undefined || (this.#spacesOf(keyCode)?.last ?? closed) > closed;
  }

  /**
   * Adds a version in its place, whichever way they come.
   *
   * @param closed the time before which no one asks any more: versions that were valid only until then are not kept
   * @returns whether it is another one than those that are known, and the newest of its time
   */
  add(keyCode: string, version: RowVersion, closed: number): "added" | "overtaken" | "known" {
    const [from] = version;
    const { stored, next } = this.#around(keyCode, from, closed);
    const before = stored?.version[0] ?? Number.POSITIVE_INFINITY;
    if (stored !== undefined && before === from) {
      const order = compareVersions(stored.version, version);
      if (order >= 0) return order === 0 ? "known" : "overtaken";
    }
    if (stored !== undefined && before <= from) {
      this.#remove(keyCode, stored.until);
      if (before < from) this.#keep(from, keyCode, stored.version, closed);
    }
    if (next !== undefined) this.#keep(next, keyCode, version, closed);
    else if (version.length === 4) this.#rows.put(SINGLE, keyCode, version);
    else this.#keep(Math.min(from + this.#keepRemoved, END_OF_TIME), keyCode, version, closed);
    return "added";
  }

  /** Forgets versions that no one asks for any more (X9). Between units: it is not undone. */
  forget(closed: number): void {
    if (!this.#state.hasTable(historyOf(this.#name))) return;
    while (this.#history.least <= closed) this.#history.drop(this.#history.least);
  }

  #keep(until: number, keyCode: string, version: RowVersion, closed: number): void {
    if (until > closed) this.#history.put(until, keyCode, version);
  }

  #remove(keyCode: string, until: number | undefined): void {
    if (until === undefined) this.#rows.remove(SINGLE, keyCode);
    else this.#history.remove(until, keyCode);
  }

  /**
   * Where a version belongs, found without looking at all the others: a row may have many.
   *
   * @param closed what was valid only until then is left out
   * @returns the newest version that is not after a time, else the first; and the time of the one after it
   */
  #around(keyCode: string, from: number, closed: number): { stored: Stored | undefined; next: number | undefined } {
    const newest = this.#newest(keyCode);
    if (newest !== undefined && newest[0] <= from) {
      return { stored: { version: newest, until: undefined }, next: undefined };
    }
    const spaces = this.#spacesOf(keyCode);
    // Without a newest row, what is valid for longest is that there is none any more.
    const last = newest === undefined ? spaces?.last : undefined;
    const until =
      spaces?.firstAbove(Math.max(from, closed)) ?? (last !== undefined && last > closed ? last : undefined);
    if (until === undefined) {
      return { stored: newest && { version: newest, until: undefined }, next: newest?.[0] };
    }
    const version = this.#before(until, keyCode);
    return { stored: { version, until }, next: version[0] > from ? version[0] : until === last ? undefined : until };
  }

  #newest(keyCode: string): RowVersion | undefined {
    return this.#rows.get(SINGLE, keyCode) as RowVersion | undefined;
  }

  #spacesOf(keyCode: string): SpacesOfKey | undefined {
    return this.#state.hasTable(historyOf(this.#name)) ? this.#history.spacesOf(keyCode) : undefined;
  }

  #before(until: number, keyCode: string): RowVersion {
    return this.#history.get(until, keyCode) as RowVersion;
  }

  get #rows(): KeyedTable {
    return this.#state.table(this.#name);
  }

  get #history(): KeyedTable {
    return this.#state.table(historyOf(this.#name));
  }
}

const compareVersions = ([, a, tieOfA]: RowVersion, [, b, tieOfB]: RowVersion): number =>
  compareOrders(a, b) || (tieOfA < tieOfB ? -1 : tieOfA > tieOfB ? 1 : 0);
