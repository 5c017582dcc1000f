import { encodeKey, type KeyValues } from "../state/key.ts";

/** The key that most of a turn's records were of. */
export interface HotKey {
  readonly key: KeyValues;
  /** Its share of the records, from 0 to 1. */
  readonly share: number;
}

/** Fewer records than this say nothing of a key's share. */
const COUNTED_FROM = 100;

/** A key, and how many records were of it. */
interface Counted {
  readonly key: KeyValues;
  readonly keyCode: string;
  records: number;
}

/** Counts a turn's records by key: one key that has most of them keeps one task busy while others wait (skew). */
export class KeyShares {
  readonly #records = new Map<string, Counted>();
  #all = 0;

  add(key: KeyValues, keyCode: string, records: number): void {
    this.#all += records;
    const known = this.#records.get(keyCode);
    if (known === undefined) this.#records.set(keyCode, { key, keyCode, records });
    else known.records += records;
  }

  /** The hottest key since the last call; nothing where there were too few records, or only one key. */
  take(): HotKey | undefined {
    const all = this.#all;
    let hottest: Counted | undefined;
    for (const counted of this.#records.values()) {
      if (hottest === undefined || counted.records > hottest.records) hottest = counted;
    }
    const isOneOfMany = this.#records.size > 1;
    this.#records.clear();
    this.#all = 0;
    if (hottest === undefined || !isOneOfMany || all < COUNTED_FROM || !isAsCounted(hottest)) return undefined;
    return { key: { ...hottest.key }, share: hottest.records / all };
  }
}

/** User code was given the key, and may have changed it since: then nothing is told of it. */
function isAsCounted({ key, keyCode }: Counted): boolean {
  try {
    return encodeKey(key) === keyCode;
  } catch {
    return false;
  }
}
