import { poisonError, systemicError } from "../../errors.ts";
import { partKey } from "../../state/entry-key.ts";
import { hashOf, isWithin } from "../../state/hash-range.ts";
import { partitionKeyOf } from "../../state/key.ts";
import type { HashRange } from "../../state/hash-range.ts";
import type { Meta } from "../operator.ts";

/** The key, record or timer that user code is called for. */
export interface Call {
  readonly meta: Meta;
  /** How far event time has come for the key. */
  readonly watermark: number;
  /** Processing time. */
  readonly now: number;
  /** Which timer fires, and for when; undefined for a record. */
  readonly timer: { readonly domain: "event" | "processing"; readonly at: number } | undefined;
}

/** What an operator's cells and timers belong to while user code is called: there is one call at a time. */
export class Scope {
  readonly operator: string;
  readonly #rangeOf: () => HashRange | undefined;
  #call: Call | undefined = undefined;

  constructor(operator: string, rangeOf: () => HashRange | undefined) {
    this.operator = operator;
    this.#rangeOf = rangeOf;
  }

  /** Runs user code, which must have ended when this returns. */
  during(call: Call, work: () => void): void {
    this.#call = call;
    try {
      work();
    } finally {
      this.#call = undefined;
    }
  }

  /** @throws systemic error `process/ended` when user code kept the context and uses it later */
  get call(): Call {
    if (this.#call !== undefined) return this.#call;
    throw systemicError({
      code: "process/ended",
      message: `Operator "${this.operator}" was asked for state or timers after its function had ended.`,
      advice: "Use the context inside of onRecord and onTimer only, and not in callbacks or promises.",
    });
  }

  /** What expires at or before it is not seen. */
  get clock(): number {
    const { meta, watermark } = this.call;
    return Math.max(meta.time, watermark);
  }

  /** The key of a part of the key's state. */
  partKey(part: string): string {
    return partKey(this.call.meta.keyCode, part);
  }

  /** State follows its key when its partition is split: a key outside of the partition's range would be left behind. */
  checkRange(): void {
    const range = this.#rangeOf();
    const { key } = this.call.meta;
    if (range === undefined || isWithin(range, hashOf(partitionKeyOf(key)))) return;
    throw poisonError({
      code: "source/key-range",
      message: `The key (${Object.keys(key).join(", ")}) does not belong to the record's partition.`,
      advice: "Producers let the stream choose the partition by the partition key: no explicit hash keys.",
    });
  }
}
