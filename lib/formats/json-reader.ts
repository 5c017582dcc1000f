import { parseJson } from "./json.ts";
import type { PlainRecord } from "../plain-record.ts";
import { layoutOf } from "./json-layout.ts";
import { ValueReader } from "./json-value.ts";
import { layoutReader, OTHER_LAYOUT, type LayoutReader, type Outcome } from "./layout-reader.ts";
import { Texts } from "./texts.ts";

/** Layouts that are known at a time: producers of two versions, with and without an optional field. */
const MOST_LAYOUTS = 4;

/** A text that no layout reads weighs this much against one that is read: it is parsed for nothing. */
const MISS = 4;

/** Beyond so much weight none is tried for a while. */
const TOO_MUCH = 256;

/** Texts of such a while. */
const REST = 4_096;

/**
 * Parses texts of one source, each as {@link parseJson} does, and most of them faster: by the layouts of those before. What
 * it has seen makes no difference to what it gives, or throws.
 */
export class JsonReader {
  /** The one that was read last comes first. */
  readonly #layouts: LayoutReader[] = [];
  readonly #values = new ValueReader(new Texts());
  readonly #records: readonly PlainRecord[];
  readonly #outcome: Outcome = { isChecked: false };
  #misses = 0;
  #rest = 0;

  /** @param records what objects are checked for on the way, if anything: an object passes one of them at most */
  constructor(records: readonly PlainRecord[] = []) {
    this.#records = records;
  }

  /** Whether what was parsed last passes the schema of the records, and is what the schema makes of it. */
  get isChecked(): boolean {
    return this.#outcome.isChecked;
  }

  /** @param start where in the bytes the text begins @param end where it has ended @throws JsonError */
  parse(bytes: Buffer, start = 0, end = bytes.length): unknown {
    if (this.#rest > 0) this.#rest--;
    else {
      for (let i = 0; i < this.#layouts.length; i++) {
        const value = this.#layouts[i]!(bytes, start, end, this.#values, this.#outcome);
        if (value === OTHER_LAYOUT) continue;
        if (i > 0) this.#layouts.unshift(...this.#layouts.splice(i, 1));
        if (this.#misses > 0) this.#misses--;
        return value;
      }
      this.#missed(bytes, start, end);
    }
    this.#outcome.isChecked = false;
    return parseJson(bytes.subarray(start, end));
  }

  /** Learns what such a text looks like, if it is one that can be read so. */
  #missed(bytes: Buffer, start: number, end: number): void {
    this.#misses += MISS;
    if (this.#misses > TOO_MUCH) {
      this.#misses = 0;
      this.#rest = REST;
    }
    const text = bytes.toString("latin1", start, end);
    if (!isJson(text)) return;
    const layout = layoutOf(text);
    const read = layout && layoutReader(layout, this.#records);
    if (read === undefined || read(bytes, start, end, this.#values, this.#outcome) === OTHER_LAYOUT) return;
    this.#layouts.unshift(read);
    this.#layouts.length = Math.min(this.#layouts.length, MOST_LAYOUTS);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
