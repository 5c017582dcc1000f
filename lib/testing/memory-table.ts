import type { LookupTable } from "../runtime/lookup-table.ts";
import { encodeKey, type KeyValue } from "../state/key.ts";

/** A table in memory that values are looked up in. */
export class MemoryTable implements LookupTable {
  readonly maxKeys: number;
  readonly #rows = new Map<string, unknown>();
  /** The keys of each request so far. */
  readonly requests: (readonly KeyValue[])[] = [];

  /** @param maxKeys how many keys one request takes */
  constructor(rows: Iterable<readonly [key: KeyValue, row: unknown]> = [], maxKeys = 100) {
    this.maxKeys = maxKeys;
    for (const [key, row] of rows) this.put(key, row);
  }

  put(key: KeyValue, row: unknown): void {
    this.#rows.set(encodeKey({ key }), row);
  }

  async lookup(keys: readonly KeyValue[]): Promise<readonly unknown[]> {
    this.requests.push(keys);
    return keys.map((key) => this.#rows.get(encodeKey({ key })));
  }
}
