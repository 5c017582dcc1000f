import type { KeyedTable, TableDelta } from "./keyed-table.ts";
import { RunDelta } from "./run-delta.ts";
import type { TableMerge } from "./table-merge.ts";

/** A table as of the moment: whole, or on its way into a sorted run. */
export type MergedTable = readonly [operator: string, table: TableDelta | Merging];

export interface Merging {
  readonly table: KeyedTable;
  readonly floor: number;
  readonly merge: TableMerge;
}

/** All tables of a state as of one moment, large ones on their way into sorted runs while the state goes on to change. */
export class StateMerge {
  readonly #tables: readonly MergedTable[];

  constructor(tables: readonly MergedTable[]) {
    this.#tables = tables;
  }

  /** Does about as much as so many entries take. @returns whether all is done */
  step(most: number): boolean {
    let left = most;
    for (const [, merging] of this.#tables) {
      if (!("merge" in merging)) continue;
      left -= merging.merge.step(left);
      if (merging.merge.made === undefined) return false;
    }
    return true;
  }

  /** All tables as they were, the large ones as runs, which these have their entries in from now on. Once all is done. */
  end(): readonly (readonly [operator: string, delta: TableDelta])[] {
    return this.#tables.map(([operator, merging]) => {
      if (!("merge" in merging)) return [operator, merging];
      const { table, floor, merge } = merging;
      table.adopt(merge);
      return [operator, new RunDelta(floor, merge.made!)];
    });
  }
}
