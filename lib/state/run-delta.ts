import type { SortedRun } from "./sorted-run.ts";
import type { TableDelta } from "./table-delta.ts";

/** A whole table whose entries are in a sorted run. Who does not know of runs finds them in `put`, all made. */
export class RunDelta implements TableDelta {
  readonly floor: number;
  readonly dropped = [];
  readonly removed = [];
  readonly #run: SortedRun;
  readonly #isOwn: boolean;

  /** @param isOwn whether the form of its values is user code's own */
  constructor(floor: number, run: SortedRun, isOwn = false) {
    this.floor = floor;
    this.#run = run;
    this.#isOwn = isOwn;
  }

  get isOwn(): boolean {
    return this.#isOwn;
  }

  get run(): SortedRun {
    return this.#run;
  }

  /** The same table, each of whose entries goes through a function when it is read. */
  restoredBy(restore: (value: unknown, key: string) => unknown, isOwn: boolean): RunDelta {
    return new RunDelta(this.floor, this.#run.restoredBy(restore), isOwn);
  }

  get put(): TableDelta["put"] {
    return Array.from(this.#run.spaces, (space, place) => {
      const keys: string[] = [];
      const values: unknown[] = [];
      for (const [key, value] of this.#run.entriesOf(place)) {
        keys.push(key);
        values.push(value);
      }
      return [space, keys, values] as const;
    });
  }
}
