import { isThere } from "./overlaid-entries.ts";

/** What of a table's entries was put, removed and dropped since its last commit. */
export class Touched {
  readonly #entriesOf: (space: number) => ReadonlyMap<string, unknown>;
  /** Per space and key, whether the last commit and the spaces dropped since have an entry there. */
  readonly #keys = new Map<number, Map<string, boolean>>();
  readonly #dropped = new Set<number>();

  /** @param entriesOf what a space has now, in which everything is that was touched; none when it has no entries at all */
  constructor(entriesOf: (space: number) => ReadonlyMap<string, unknown>) {
    this.#entriesOf = entriesOf;
  }

  /** Whether no entry was touched. Spaces may have been dropped. */
  get isEmpty(): boolean {
    return this.#keys.size === 0;
  }

  note(space: number, key: string, wasThere: boolean): void {
    let keys = this.#keys.get(space);
    if (keys === undefined) this.#keys.set(space, (keys = new Map<string, boolean>()));
    if (!keys.has(key)) keys.set(key, wasThere);
  }

  drop(space: number): void {
    this.#keys.delete(space);
    this.#dropped.add(space);
  }

  clear(): void {
    this.#keys.clear();
    this.#dropped.clear();
  }

  /** As a delta has it; nothing is touched any more. */
  take() {
    const removed: [number, string[]][] = [];
    const put: [number, string[], unknown[]][] = [];
    const created: number[] = [];
    const emptied: number[] = [];
    for (const [space, touched] of this.#keys) {
      const entries = this.#entriesOf(space);
      const gone: string[] = [];
      const keys: string[] = [];
      const values: unknown[] = [];
      let fresh = 0;
      touched.forEach((wasThere, key) => {
        const value = entries.get(key);
        if (isThere(value)) {
          keys.push(key);
          values.push(value);
          if (!wasThere) fresh++;
        } else if (wasThere) gone.push(key);
      });
      // Where nothing is left the space says it all, however many keys went.
      if (gone.length > 0 && entries.size === 0) emptied.push(space);
      else if (gone.length > 0) removed.push([space, gone]);
      if (keys.length === 0) continue;
      put.push([space, keys, values]);
      created.push(fresh);
    }
    const dropped = [...this.#dropped, ...emptied];
    this.clear();
    return { dropped, removed, put, created };
  }
}
