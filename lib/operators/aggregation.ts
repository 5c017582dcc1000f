import type { Aggregate } from "../aggregates/aggregate.ts";
import { messageOf, systemicError } from "../errors.ts";
import { wayFromShape } from "../state/versions.ts";
import type { PartOrigins } from "./evolution/part-origins.ts";
import type { StatePart } from "./evolution/state-shape.ts";

/** One accumulator per aggregate, in their order. Never changed in place. */
export type Accumulators = readonly unknown[];

/** An operator's aggregates, all at once. */
export class Aggregation {
  readonly #operator: string;
  readonly #names: readonly string[];
  readonly #aggregates: readonly Aggregate<never, unknown>[];

  constructor(operator: string, aggregates: Readonly<Record<string, Aggregate<never, unknown>>>) {
    this.#operator = operator;
    this.#names = Object.keys(aggregates);
    this.#aggregates = Object.values(aggregates);
  }

  /** The fields that its results have in a row. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** What of a record is aggregated. User code: may throw. */
  inputsOf(value: unknown, time: number): readonly unknown[] {
    return this.#aggregates.map((aggregate) => aggregate.input(value as never, time));
  }

  add(before: Accumulators | undefined, inputs: readonly unknown[]): Accumulators {
    return this.#aggregates.map((aggregate, i) =>
      aggregate.add((before === undefined ? aggregate.init() : before[i]) as never, inputs[i] as never),
    );
  }

  /** Both in one go, for a record that is in one window. */
  addRecord(before: Accumulators | undefined, value: unknown, time: number): Accumulators {
    const aggregates = this.#aggregates;
    const after = new Array<unknown>(aggregates.length);
    // Not map: this is done for every record, and a function made for it would cost as much as a count.
    for (let i = 0; i < aggregates.length; i++) {
      const aggregate = aggregates[i]!;
      const input = aggregate.input(value as never, time);
      after[i] = aggregate.add((before === undefined ? aggregate.init() : before[i]) as never, input as never);
    }
    return after;
  }

  merge(a: Accumulators | undefined, b: Accumulators): Accumulators {
    if (a === undefined) return b;
    const aggregates = this.#aggregates;
    const merged = new Array<unknown>(aggregates.length);
    for (let i = 0; i < aggregates.length; i++) merged[i] = aggregates[i]!.merge(a[i] as never, b[i] as never);
    return merged;
  }

  /** Puts each aggregate's result into a list, from a place on. User code: may throw. */
  putResults(values: unknown[], place: number, accumulators: Accumulators): void {
    const aggregates = this.#aggregates;
    for (let i = 0; i < aggregates.length; i++) values[place + i] = aggregates[i]!.result(accumulators[i] as never);
  }

  /** Whether the form of some accumulators is user code's own. */
  get hasOwn(): boolean {
    return this.#aggregates.some(({ isOwn }) => isOwn === true);
  }

  /** What stored accumulators must agree with, or lead to. */
  get parts(): readonly StatePart[] {
    return this.#names.map((name, i) => {
      const { shape, wayFrom } = this.#aggregates[i]!;
      return { name, shape, wayFrom: wayFrom ?? ((stored) => wayFromShape(shape, stored)) };
    });
  }

  /**
   * Accumulators as they come out of storage: one per aggregate, and, where an aggregate has a schema for them, what it
   * makes of them.
   *
   * @param from where they come from in what another version wrote; an aggregate that was added begins here
   * @throws systemic error `state/accumulator` naming the operator, and the aggregate
   */
  restore(stored: unknown, from?: PartOrigins): Accumulators {
    if (!Array.isArray(stored) || stored.length !== (from?.stored ?? this.#names.length)) throw this.notAsWritten();
    const restored = new Array<unknown>(this.#names.length);
    for (let i = 0; i < restored.length; i++) {
      const origin = from?.origins[i];
      const index = origin === undefined ? i : origin.index;
      restored[i] =
        index === undefined ? this.#aggregates[i]!.init() : this.#restored(i, stored[index], origin?.migrate);
    }
    return restored;
  }

  #restored(i: number, accumulator: unknown, migrate: ((stored: unknown) => unknown) | undefined): unknown {
    const { restore } = this.#aggregates[i]!;
    let at = "schema refuses";
    try {
      if (migrate === undefined) return restore === undefined ? accumulator : restore(accumulator);
      at = "migration, or the schema after it, refuses";
      const migrated = migrate(accumulator);
      return restore === undefined ? migrated : restore(migrated);
    } catch (cause) {
      throw systemicError({
        code: "state/accumulator",
        message: `The state of operator "${this.#operator}" has an accumulator of "${this.#names[i]}" that its ${at}: ${messageOf(cause)}`,
        advice: "Deploy the aggregate as it was, or raise its version and give it a migration.",
        cause,
      });
    }
  }

  /** For an entry that no build writes. */
  notAsWritten() {
    return systemicError({
      code: "state/accumulator",
      message: `The state of operator "${this.#operator}" has an entry that does not hold one accumulator per aggregate.`,
      advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
    });
  }
}
