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
  /**
   * How many of the keys of each space in `put` had no entry before: who knows it need not look. Left out where tables are
   * small.
   */
  readonly created?: readonly number[];
}

/** Number of changes that a delta tells of. */
export function sizeOfDelta({ dropped, removed, put }: TableDelta): number {
  let size = dropped.length;
  for (const [, keys] of removed) size += keys.length;
  for (const [, keys] of put) size += keys.length;
  return size;
}

/** In deltas of tables that have fewer entries nothing is said of what is new. */
export const LARGE_TABLE = 4_096;
