import type { KeyHash } from "../state/hash-range.ts";
import type { TableDelta } from "../state/keyed-table.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import type { EvolvingShape } from "./evolution/state-shape.ts";

/** One table of an operator's state, seen from outside: what is stored, inherited and checked without knowing what it means. */
export interface TableDescription {
  /** The table's name: the operator's, or one that begins with it and `$`. */
  readonly name: string;
  /** What stored values must agree with, or lead to. */
  readonly shape: EvolvingShape;
  /** The key's code (`encodeKey`) that a table's key belongs to: state follows its key. */
  readonly keyCodeOf: (key: string) => string;
  /** Whether every task has it whole (`replicated-table.ts`): then it follows no key. */
  readonly isReplicated?: true;
  /** The fields of that key, in order. */
  readonly keyFields: readonly string[];
  /**
   * Checks what comes out of storage. Throws systemic errors for what does not fit.
   *
   * @param from how values of an earlier version become this one's; nothing where this version wrote them
   */
  readonly restore: (delta: TableDelta, from?: PartOrigins) => TableDelta;
  /**
   * The same for one entry that this version wrote: a large table of which it can be done is a sorted run, whose entries are
   * made when they are asked for. Left out where all entries are asked for anyway.
   */
  readonly restoreEntry?: EntryRestorer;
  /** Whether `restoreEntry` is user code too: then entries of another build are all checked when they are loaded. */
  readonly isOwn?: boolean;
  /**
   * For state that is a task's and no key's: it is kept under positions of the hash range, which `keyCodeOf` gives, and moves
   * as keys of that hash do. Makes one of what several tasks had that have become one. Throws systemic errors.
   *
   * @param position of the task that has them now
   */
  readonly unite?: (delta: TableDelta, position: KeyHash) => TableDelta;
}

/** Checks a value that comes out of storage. Throws systemic errors for what does not fit. */
export type EntryRestorer = (value: unknown, key: string) => unknown;

/** The operator that a table is of. */
export const operatorOfTable = (table: string): string => table.split("$", 1)[0]!;

/** What stands in shapes for a `keyBy` that leads out of a stage; it is empty. */
export const shuffleTableOf = (keyBy: string): string => `${keyBy}$shuffle`;

export const isShuffleTable = (table: string): boolean => table.endsWith("$shuffle");
