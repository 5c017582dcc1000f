import type { KeyValue } from "../state/key.ts";

/** A table that values are looked up in, by one key each. */
export interface LookupTable {
  /** How many keys one request takes. */
  readonly maxKeys: number;
  /**
   * @param keys different ones, at most `maxKeys`
   * @returns what is found for each, in their order; undefined for nothing
   * @throws when the table does not answer
   */
  lookup(keys: readonly KeyValue[], signal: AbortSignal): Promise<readonly unknown[]>;
}

export type LookupTables = ReadonlyMap<string, LookupTable>;
