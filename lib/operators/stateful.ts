import type { TableDelta } from "../state/keyed-table.ts";

/** One table of an operator's state, seen from outside: what is stored, inherited and checked without knowing what it means. */
export interface TableDescription {
  /** The table's name: the operator's, or one that begins with it. */
  readonly name: string;
  /** What a stored value must agree with. */
  readonly shape: string;
  /** The key's code (`encodeKey`) that a table's key belongs to: state follows its key. */
  readonly keyCodeOf: (key: string) => string;
  /** The fields of that key, in order. */
  readonly keyFields: readonly string[];
  /** Checks what comes out of storage. Throws systemic errors for what does not fit. */
  readonly restore: (delta: TableDelta) => TableDelta;
}
