import fc from "fast-check";
import {
  approxDistinct,
  approxPercentile,
  approxPercentiles,
  collect,
  count,
  custom,
  distinct,
  filtered,
  first,
  last,
  max,
  maxBy,
  mean,
  min,
  minBy,
  stddevPop,
  stddevSamp,
  sum,
  sumDecimal,
  sumExact,
  topN,
  varPop,
  varSamp,
  type Aggregate,
} from "millrace";
import { z } from "zod";
import {
  addHash,
  EMPTY_SKETCH,
  estimate,
  isSketch,
  mergeSketches,
  type HyperLogLog,
} from "../../lib/aggregates/hyperloglog.ts";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";

export interface Reading {
  readonly time: number;
  /** A whole number that sums hold exactly. */
  readonly whole: number;
  /** Any finite number. */
  readonly any: number;
  readonly big: bigint;
  readonly text: string;
  readonly decimal: string;
}

const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 5e-324, 1.7976931348623157e308, -1.7976931348623157e308),
);

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), fc.nat(4))
  .map(([whole, scale]) => (scale === 0 ? String(whole) : `${whole}.${"0123456789".slice(scale, 2 * scale)}`));

const fields = {
  whole: fc.integer({ min: -1e6, max: 1e6 }),
  any: anyNumber,
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text: fc.string({ unit: "grapheme", maxLength: 3 }),
  decimal,
};

/** Few times and few values, so that there are ties; any values. */
export const reading: fc.Arbitrary<Reading> = fc.oneof(
  fc.record({ time: fc.integer({ min: -5, max: 5 }), ...fields }),
  fc.record({
    time: fc.integer({ min: 0, max: 3 }),
    whole: fc.integer({ min: 0, max: 3 }),
    any: fc.integer({ min: -2, max: 2 }),
    big: fc.bigInt({ min: 0n, max: 2n }),
    text: fc.constantFrom("a", "b", "c"),
    decimal: fc.constantFrom("0", "-0.1", "1.10"),
  }),
);

/** An aggregate with its accumulator open to tests. */
export type Open<R = unknown> = AggregateOf<Reading, unknown, unknown, R>;

export const open = <R>(aggregate: Aggregate<Reading, R>): Open<R> => aggregate as unknown as Open<R>;

export interface Entry {
  readonly aggregate: Open;
  /** Whether accumulators are equal to the last bit however a stream is cut; else results are, to 1e-13. */
  readonly exact: boolean;
}

const exact = (aggregate: Aggregate<Reading, unknown>): Entry => ({ aggregate: open(aggregate), exact: true });
const close = (aggregate: Aggregate<Reading, unknown>): Entry => ({ aggregate: open(aggregate), exact: false });

/** What approxDistinct keeps, with so few registers that few readings fill them. */
const sketch: Open = {
  shape: "hyperloglog",
  input: ({ whole }: Reading) => (Math.abs(whole) * 2_654_435_761) % 2 ** 48,
  init: () => EMPTY_SKETCH,
  add: (kept, hash) => addHash(kept as HyperLogLog, hash as number, 4),
  merge: (a, b) => mergeSketches(a as HyperLogLog, b as HyperLogLog, 4),
  result: (kept) => estimate(kept as HyperLogLog, 4),
  restore: (stored) => {
    if (!(stored instanceof Uint8Array) || !isSketch(stored, 4)) throw new Error("it is not a sketch");
    return new Uint8Array(stored);
  },
};

/** Every aggregate there is, with settings at which its bounds are met. */
export const catalogue: Readonly<Record<string, Entry>> = {
  count: exact(count()),
  sum: exact(sum((r) => r.whole)),
  mean: exact(mean((r) => r.whole)),
  sumExact: exact(sumExact((r) => r.big)),
  sumDecimal: exact(sumDecimal((r) => r.decimal)),
  varPop: close(varPop((r) => r.whole)),
  varSamp: close(varSamp((r) => r.whole)),
  stddevPop: close(stddevPop((r) => r.whole)),
  stddevSamp: close(stddevSamp((r) => r.whole)),
  "min of numbers": exact(min((r) => r.any)),
  "max of numbers": exact(max((r) => r.any)),
  "min of bigints": exact(min((r) => r.big)),
  "max of texts": exact(max((r) => r.text)),
  minBy: exact(minBy({ by: (r) => r.any, value: (r) => r.text })),
  maxBy: exact(maxBy({ by: (r) => r.text, value: (r) => ({ any: r.any, list: [r.big] }) })),
  first: exact(first((r) => r.text)),
  last: exact(last((r) => ({ text: r.text, nothing: undefined }))),
  topN: exact(topN(3, { by: (r) => r.whole, value: (r) => r.text })),
  collect: exact(collect((r) => r.text, { max: 4 })),
  distinct: exact(distinct((r) => r.text, { max: 4 })),
  "distinct of mixed types": exact(
    distinct((r) => (r.whole % 2 === 0 ? r.any : r.whole < 5 ? r.big : r.text), { max: 9 }),
  ),
  approxDistinct: exact(approxDistinct((r) => r.any)),
  "hyperloglog of 16 registers": { aggregate: sketch, exact: true },
  approxPercentile: exact(approxPercentile((r) => r.any, 0.5)),
  "approxPercentiles in few bins": exact(
    approxPercentiles((r) => r.any, { p1: 0.01, median: 0.5, p99: 0.99 }, { accuracy: 0.001, bins: 64 }),
  ),
  "filtered count": exact(filtered(count(), (r) => r.whole > 0)),
  "filtered min": exact(
    filtered(
      min((r) => r.any),
      (r) => r.whole > 0,
    ),
  ),
  "filtered distinct": exact(
    filtered(
      distinct((r) => r.text, { max: 1 }),
      (r) => r.whole > 0,
    ),
  ),
  custom: exact(
    custom<Reading, string[], string>({
      state: z.array(z.string()),
      init: () => [],
      add: (seen, r) => [...seen, r.text],
      merge: (a, b) => [...a, ...b],
      result: (seen) => seen.join(),
    }),
  ),
};

/** Where order of arrival decides between records of one event time, or always. */
export const ORDERED = new Set(["first", "last", "minBy", "maxBy", "topN", "collect", "custom"]);

export const fold = (aggregate: Open, readings: readonly Reading[]): unknown =>
  readings.reduce((kept, r) => aggregate.add(kept, aggregate.input(r, r.time)), aggregate.init());
