import type { OperatorCounters } from "../state/counters.ts";
import { systemicError } from "../errors.ts";
import { entryKey, keyCodeIn, partKey, spaceOfPart } from "../state/entry-key.ts";
import { encodeKey, type KeyValue } from "../state/key.ts";
import { END_OF_TIME } from "../time/instant.ts";
import { fixedShape } from "./evolution/state-shape.ts";
import { ExpiringEntries, expiryTableOf } from "./expiring-entries.ts";
import { checkRange } from "./key-range.ts";
import type { ExpiringOperator, OperatorContext, Push } from "./operator.ts";
import { trailing, watermarkAt } from "./operator-watermark.ts";
import type { TableDescription } from "./stateful.ts";
import { refusePromise } from "./stateless.ts";

export interface DeduplicateSpec {
  readonly name: string;
  /** The key's fields, in order. */
  readonly keyFields: readonly string[];
  readonly id: (value: never) => KeyValue;
  /** Milliseconds between the event times of two records, from which on they are two although they have one id. */
  readonly within: number;
  /** Milliseconds by which this operator's watermark trails the task's. */
  readonly delay: number;
}

/** The part of a key's state that has its ids. */
export const SEEN = "seen";

/** The tables of a deduplicating operator's state. */
export const deduplicateTables = ({ name, keyFields }: DeduplicateSpec): readonly TableDescription[] => [
  {
    name,
    shape: fixedShape(`deduplicate/1 by ${keyFields.join()}`),
    keyFields,
    keyCodeOf: keyCodeIn,
    restore: (delta) => {
      for (const [, , values] of delta.put) for (const value of values) checked(name, value);
      return delta;
    },
    restoreEntry: (value) => checked(name, value),
  },
  {
    name: expiryTableOf(name),
    shape: fixedShape(`expiry/1 by ${keyFields.join()}`),
    keyFields,
    keyCodeOf: keyCodeIn,
    restore: (delta) => delta,
  },
];

/**
 * Passes a record on unless one of its key and id was passed on whose event time is nearer than the horizon: the first
 * to arrive wins. Exact for every record that is not late; a late one is passed to the late stream, as what it would be
 * compared with may have left the state.
 *
 * State: per key and id the event times of the records passed on that may still be met.
 */
export class Deduplicate implements ExpiringOperator {
  readonly #spec: DeduplicateSpec;
  readonly #context: OperatorContext;
  readonly #counts: OperatorCounters;
  readonly #next: Push;
  readonly #late: Push | undefined;
  readonly #seen: ExpiringEntries;

  constructor(spec: DeduplicateSpec, context: OperatorContext, next: Push, late: Push | undefined) {
    this.#spec = spec;
    this.#context = context;
    this.#counts = context.state.counters.of(spec.name);
    this.#next = next;
    this.#late = late;
    this.#seen = new ExpiringEntries(spec.name, context.state);
  }

  readonly push: Push = (value, meta) => {
    const { name, id: idOf, within } = this.#spec;
    const context = this.#context;
    context.enter(name);
    this.#counts.in.add();
    const id = (idOf as (value: unknown) => KeyValue)(value);
    refusePromise(name, id);
    const watermark = watermarkAt(this.#spec, context.state, meta.key);
    if (meta.time < watermark) {
      this.#counts.late.add();
      this.#late?.(value, meta);
      return;
    }
    const part = partKey(meta.keyCode, SEEN);
    const space = spaceOfPart(part);
    const key = entryKey(part, encodeKey({ id }));
    const before = (this.#seen.get(space, key, watermark) ?? []) as readonly number[];
    const times = before.filter((time) => time + within > watermark);
    if (times.some((time) => Math.abs(time - meta.time) < within)) {
      this.#counts.filtered.add();
      return;
    }
    if (before.length === 0) checkRange(context.state, meta.key);
    const stored = this.#seen.stored(space, key);
    this.#seen.replace(space, key, stored, [...times, meta.time], meta.time, within);
    this.#counts.folded.add();
    this.#next(value, meta);
  };

  expireUpTo(watermark: number): void {
    this.#seen.expire(trailing(watermark, this.#spec.delay));
  }
}

/** @throws systemic error `state/seen` */
function checked(name: string, entry: unknown): unknown {
  const isTime = (value: unknown) => typeof value === "number" && Math.abs(value) <= END_OF_TIME;
  const isEntry = (value: unknown) =>
    Array.isArray(value) && value.length === 2 && Array.isArray(value[0]) && value[0].every(isTime) && isTime(value[1]);
  if (isEntry(entry)) return entry;
  throw systemicError({
    code: "state/seen",
    message: `The state of operator "${name}" has an entry that is not the event times of an id.`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
  });
}
