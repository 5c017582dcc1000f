import { keyCodeIn, partIn, partKey } from "../../state/entry-key.ts";
import type { KeyedTable } from "../../state/keyed-table.ts";
import type { TaskState } from "../../state/task-state.ts";

/** The table of the records that wait for the watermark. */
export const waitingOf = (operator: string): string => `${operator}$waiting`;

/** A record that waits. */
export interface WaitingRecord {
  readonly keyCode: string;
  readonly value: unknown;
}

/**
 * Records that wait for event time to pass theirs.
 *
 * State: space = the record's time; key = the key's code, and a number that tells records of one key and time apart; value =
 * [the record].
 */
export class WaitingRecords {
  readonly #table: KeyedTable;

  constructor(operator: string, state: TaskState) {
    this.#table = state.table(waitingOf(operator));
  }

  /** The time of the first; infinity when none waits. */
  get least(): number {
    return this.#table.least;
  }

  add(time: number, keyCode: string, value: unknown): void {
    this.#table.put(time, partKey(keyCode, String(this.#countOf(time, keyCode))), [value]);
  }

  /** What is below a time was joined, and stays so if a later build lets records wait longer. */
  close(time: number): void {
    this.#table.raiseFloor(time - 1);
  }

  /** Takes out all of a time: key by key, each key's in the order in which they came. Not undone with a unit (X7). */
  take(time: number): readonly WaitingRecord[] {
    const taken = [...this.#table.entriesOf(time)].map(([key, stored]) => ({
      key,
      value: valueIn(stored),
      keyCode: keyCodeIn(key),
    }));
    this.#table.drop(time);
    const numberOf = (key: string) => Number(partIn(key).part);
    return taken.sort((a, b) =>
      a.keyCode === b.keyCode ? numberOf(a.key) - numberOf(b.key) : a.keyCode < b.keyCode ? -1 : 1,
    );
  }

  /** A key's records, in their order. */
  of(keyCode: string): readonly { readonly time: number; readonly value: unknown }[] {
    const times = [...this.#table.spaces()].sort((a, b) => a - b);
    return times.flatMap((time) =>
      Array.from({ length: this.#countOf(time, keyCode) }, (_, i) => ({
        time,
        value: valueIn(this.#table.get(time, partKey(keyCode, String(i)))),
      })),
    );
  }

  /** How many of a key and time there are. They go together, so their numbers have no gaps: it is found by halving. */
  #countOf(time: number, keyCode: string): number {
    const has = (n: number) => this.#table.get(time, partKey(keyCode, String(n))) !== undefined;
    if (!has(0)) return 0;
    let low = 0;
    let high = 1;
    while (has(high)) [low, high] = [high, high * 2];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (has(middle)) low = middle;
      else high = middle;
    }
    return high;
  }
}

/** Undefined may be a record; in a table it is nothing. */
const valueIn = (stored: unknown): unknown => (stored as readonly [unknown])[0];
