import type { Aggregate } from "../aggregates/aggregate.ts";
import { poisonError } from "../errors.ts";
import { hashOf, isWithin } from "../state/hash-range.ts";
import { floorOf } from "../state/inheritance.ts";
import { decodeKey, partitionKeyOf } from "../state/key.ts";
import { END_OF_TIME } from "../time/instant.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { Meta, OperatorContext, Push, StoredUnit, TimedOperator, Unit } from "./operator.ts";
import { checkedAccumulators } from "./restore.ts";

export interface WindowAggregateSpec {
  readonly name: string;
  readonly assigner: WindowAssigner;
  /** Milliseconds a window stays open after its end. */
  readonly allowedLateness: number;
  /** The key's fields, in order. */
  readonly keyFields: readonly string[];
  readonly aggregates: Readonly<Record<string, Aggregate<never, unknown>>>;
  /**
   * Milliseconds by which this operator's watermark trails the task's: the allowed lateness of the
   * windows before it, whose rows come that much after their event time.
   */
  readonly delay: number;
}

type Accumulators = readonly unknown[];

/** The state's shape: what a stored accumulator must agree with. */
export const windowShape = ({ assigner, keyFields, aggregates }: WindowAggregateSpec): string =>
  `${assigner.kind}:${assigner.size}+${assigner.offset} by ${keyFields.join()} of ` +
  Object.entries(aggregates)
    .map(([name, { shape }]) => `${name}=${shape}`)
    .join();

/**
 * Aggregates per key and window. A window emits once, when it can no longer change: when the watermark
 * has reached its end plus the allowed lateness. A record that comes after that is late.
 *
 * State: space = the window's start, key = the key's code, value = one accumulator per aggregate.
 */
export class WindowAggregate implements TimedOperator {
  readonly name: string;
  readonly #spec: WindowAggregateSpec;
  readonly #context: OperatorContext;
  readonly #downstream: Push;
  readonly #late: Push | undefined;
  readonly #names: readonly string[];
  readonly #aggregates: readonly Aggregate<never, unknown>[];

  constructor(spec: WindowAggregateSpec, context: OperatorContext, downstream: Push, late: Push | undefined) {
    this.name = spec.name;
    this.#spec = spec;
    this.#context = context;
    this.#downstream = downstream;
    this.#late = late;
    this.#names = Object.keys(spec.aggregates);
    this.#aggregates = Object.values(spec.aggregates);
  }

  readonly push: Push = (value, meta) => {
    const { name, assigner } = this.#spec;
    const context = this.#context;
    context.enter(name);
    context.count(name, "in");
    const start = assigner.startOf(meta.time);
    const table = context.state.table(name);
    if (this.#isClosed(start, meta)) {
      context.count(name, "late");
      this.#late?.(value, meta);
      return;
    }
    const before = table.get(start, meta.keyCode) as Accumulators | undefined;
    if (before === undefined) this.#checkRange(meta);
    const after = this.#aggregates.map((aggregate, i) => {
      const input = aggregate.input(value as never, meta.time);
      return aggregate.add((before === undefined ? aggregate.init() : before[i]) as never, input as never);
    });
    table.put(start, meta.keyCode, after);
    context.count(name, "folded");
  };

  nextDue(): number {
    const { least } = this.#context.state.table(this.name);
    return least === Number.POSITIVE_INFINITY ? least : this.#dueOf(least);
  }

  *closeUpTo(watermark: number): Generator<Unit> {
    const table = this.#context.state.table(this.name);
    while (this.nextDue() <= watermark) {
      const start = table.least;
      const panes = [...table.entriesOf(start)].sort(([a], [b]) => (a < b ? -1 : 1));
      table.drop(start);
      for (const [keyCode, accumulators] of panes) {
        this.#context.state.counters.countForGood(`${this.name} closed`);
        yield this.#pane(start, keyCode, accumulators as Accumulators);
      }
    }
  }

  unitOf({ keyCode, about, content }: StoredUnit): Unit {
    return this.#pane(about["start"] as number, keyCode, checkedAccumulators(this.#spec, content));
  }

  #pane(start: number, keyCode: string, accumulators: Accumulators): Unit {
    const end = start + this.#spec.assigner.size;
    const key = decodeKey(this.#spec.keyFields, keyCode);
    return {
      operator: this.name,
      describe: () => ({ kind: "pane", key, about: { start, end }, content: accumulators }),
      run: () => {
        this.#context.enter(this.name);
        const row: Record<string, unknown> = { ...key, windowStart: start, windowEnd: end };
        this.#names.forEach((name, i) => (row[name] = this.#aggregates[i]!.result(accumulators[i] as never)));
        // The row belongs to the last instant of its window, so that a longer window after this one holds it.
        this.#downstream(row, { time: end - 1, key, keyCode });
      },
    };
  }

  /** A window that was closed stays closed, even if a later build allows more lateness. */
  #isClosed(start: number, { key }: Meta): boolean {
    const { state } = this.#context;
    const table = state.table(this.name);
    if (this.#dueOf(start) <= state.watermark || start <= table.floor) return true;
    if (state.floors.length === 0) return false;
    const { watermark, space } = floorOf(state.floors, hashOf(partitionKeyOf(key)), this.name);
    return this.#dueOf(start) <= watermark || start <= space;
  }

  /** State follows its key when its partition is split: a key outside of the partition's range would be left behind. */
  #checkRange({ key }: Meta): void {
    const { range } = this.#context.state;
    if (range === undefined || isWithin(range, hashOf(partitionKeyOf(key)))) return;
    throw poisonError({
      code: "source/key-range",
      message: `The key (${Object.keys(key).join(", ")}) does not belong to the record's partition.`,
      advice: "Producers let the stream choose the partition by the partition key: no explicit hash keys.",
    });
  }

  /** The task's watermark at which the window that starts then closes. */
  #dueOf(start: number): number {
    const { assigner, allowedLateness, delay } = this.#spec;
    return Math.min(start + assigner.size + allowedLateness + delay, END_OF_TIME);
  }
}
