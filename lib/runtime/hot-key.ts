import { decodeKey } from "../state/key.ts";
import type { KeyValues } from "../state/key.ts";

/** The key that most of a turn's records were of. */
export interface HotKey {
  readonly key: KeyValues;
  /** Its share of the records, from 0 to 1. */
  readonly share: number;
}

/** Fewer records than this say nothing of a key's share. */
const COUNTED_FROM = 100;

/** Counts a turn's records by key: one key that has most of them keeps one task busy while others wait (skew). */
export class KeyShares {
  readonly #records = new Map<string, { records: number; readonly fields: readonly string[] }>();
  #all = 0;

  add(key: KeyValues, keyCode: string, records: number): void {
    this.#all += records;
    const known = this.#records.get(keyCode);
    if (known === undefined) this.#records.set(keyCode, { records, fields: Object.keys(key) });
    else known.records += records;
  }

  /** The hottest key since the last call; nothing where there were too few records, or only one key. */
  take(): HotKey | undefined {
    const all = this.#all;
    let hottest: { readonly keyCode: string; readonly records: number; readonly fields: readonly string[] } | undefined;
    for (const [keyCode, { records, fields }] of this.#records) {
      if (hottest === undefined || records > hottest.records) hottest = { keyCode, records, fields };
    }
    const isOneOfMany = this.#records.size > 1;
    this.#records.clear();
    this.#all = 0;
    if (hottest === undefined || !isOneOfMany || all < COUNTED_FROM) return undefined;
    return { key: decodeKey(hottest.fields, hottest.keyCode), share: hottest.records / all };
  }
}
