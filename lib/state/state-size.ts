import { packedBytes } from "./codec.ts";
import type { TableDeltas, TaskState } from "./task-state.ts";

/** The operator that a table is of; undefined for what is no operator's. An operator's further tables are `name$what`. */
export const operatorOf = (table: string): string | undefined =>
  table.startsWith("$") ? undefined : table.replace(/\$.*$/, "");

/** How many entries each operator's state has. */
export function entriesByOperator(state: TaskState): ReadonlyMap<string, number> {
  const entries = new Map<string, number>();
  for (const [table, size] of state.tableSizes()) {
    const operator = operatorOf(table);
    if (operator !== undefined) entries.set(operator, (entries.get(operator) ?? 0) + size);
  }
  return entries;
}

/** What one key takes of an operator's state. */
export interface KeySize {
  readonly operator: string;
  /** `encodeKey` */
  readonly keyCode: string;
  readonly entries: number;
  /** Bytes as they are written, before they are compressed. */
  readonly bytes: number;
}

/**
 * The keys that take most of a task's state, largest first.
 *
 * @param tables whole ones
 * @param keyCodeOf of a table's key; undefined for a table that is no operator's
 */
export function largestKeys(
  tables: TableDeltas,
  keyCodeOf: (table: string, key: string) => string | undefined,
  limit: number,
): readonly KeySize[] {
  const sizes = new Map<string, { operator: string; keyCode: string; entries: number; bytes: number }>();
  for (const [table, { put }] of tables) {
    const operator = operatorOf(table);
    if (operator === undefined) continue;
    for (const [, keys, values] of put) {
      keys.forEach((key, i) => {
        const keyCode = keyCodeOf(table, key);
        if (keyCode === undefined) return;
        const id = `${operator} ${keyCode}`;
        let size = sizes.get(id);
        if (size === undefined) sizes.set(id, (size = { operator, keyCode, entries: 0, bytes: 0 }));
        size.entries++;
        size.bytes += packedBytes([key, values[i]]);
      });
    }
  }
  const descending = [...sizes.values()].sort((a, b) => b.bytes - a.bytes || (a.keyCode < b.keyCode ? -1 : 1));
  return descending.slice(0, limit);
}
