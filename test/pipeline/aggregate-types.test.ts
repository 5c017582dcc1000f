import {
  approxDistinct,
  approxPercentile,
  approxPercentiles,
  bigint,
  collect,
  count,
  custom,
  distinct,
  double,
  filtered,
  first,
  kinesis,
  lake,
  last,
  max,
  maxBy,
  mean,
  min,
  minBy,
  nullable,
  pipeline,
  stddevPop,
  stddevSamp,
  sum,
  sumDecimal,
  sumExact,
  text,
  timestamp,
  topN,
  tumbling,
  varPop,
  varSamp,
  type Aggregate,
  type TotalAggregate,
} from "millrace";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

const departure = z.object({
  origin: z.string(),
  destination: z.string(),
  at: z.number(),
  delay: z.number(),
  cents: z.bigint(),
  price: z.string(),
});
type Departure = z.infer<typeof departure>;
const departures = kinesis("departures", {
  schema: departure,
  key: { origin: (d) => d.origin },
  eventTime: (d) => d.at,
  disorder: {},
});
const hourly = (flow: Parameters<Parameters<typeof pipeline>[1]>[0]) =>
  flow.from(departures).byKey.window("hourly", tumbling({ hours: 1 }));

test("a row has each aggregate's result type, and aggregates know the record's type without being told", () => {
  pipeline("types", (flow) => {
    hourly(flow)
      .aggregate({
        count: count(),
        sum: sum((d) => d.delay),
        cents: sumExact((d) => d.cents),
        price: sumDecimal((d) => d.price),
        mean: mean((d) => d.delay),
        varPop: varPop((d) => d.delay),
        varSamp: varSamp((d) => d.delay),
        stddevPop: stddevPop((d) => d.delay),
        stddevSamp: stddevSamp((d) => d.delay),
        least: min((d) => d.delay),
        most: max((d) => d.cents),
        lastName: max((d) => d.destination),
        quickest: minBy({ by: (d) => d.delay, value: (d) => d.destination }),
        slowest: maxBy({ by: (d) => d.cents, value: (d) => ({ to: d.destination, delay: d.delay }) }),
        first: first((d) => d.destination),
        last: last((d) => d),
        top: topN(3, { by: (d) => d.delay, value: (d) => d.destination }),
        all: collect((d) => d.delay, { max: 10 }),
        distinct: distinct((d) => d.destination, { max: 10 }),
        about: approxDistinct((d) => d.destination),
        median: approxPercentile((d) => d.delay, 0.5),
        percentiles: approxPercentiles((d) => d.delay, { p50: 0.5, p99: 0.99 }),
      })
      .map("row", (row) => {
        expectTypeOf(row).toEqualTypeOf<{
          readonly origin: string;
          readonly windowStart: number;
          readonly windowEnd: number;
          readonly count: number;
          readonly sum: number;
          readonly cents: bigint;
          readonly price: string;
          readonly mean: number;
          readonly varPop: number;
          readonly varSamp: number | undefined;
          readonly stddevPop: number;
          readonly stddevSamp: number | undefined;
          readonly least: number;
          readonly most: bigint;
          readonly lastName: string;
          readonly quickest: string;
          readonly slowest: { to: string; delay: number };
          readonly first: string;
          readonly last: Departure;
          readonly top: readonly string[];
          readonly all: readonly number[];
          readonly distinct: number | undefined;
          readonly about: number;
          readonly median: number;
          readonly percentiles: { readonly p50: number; readonly p99: number };
        }>();
        return { origin: row.origin };
      })
      .to(lake("rows", { origin: text }));
  });
});

test("filtered: undefined stands for nothing only where there is no better value", () => {
  pipeline("filtered-types", (flow) => {
    hourly(flow)
      .aggregate({
        delayed: filtered(count(), (d) => d.delay > 15),
        cents: filtered(
          sumExact((d) => d.cents),
          (d) => d.delay > 15,
        ),
        worst: filtered(
          max((d) => d.destination),
          (d) => d.delay > 15,
        ),
        mean: filtered(
          mean((d) => d.delay),
          (d) => d.delay > 15,
        ),
        top: filtered(topN(3, { by: (d) => d.delay, value: (d) => d.destination }), (d) => d.delay > 15),
        twice: filtered(
          filtered(
            min((d) => d.delay),
            (d) => d.delay > 15,
          ),
          (d) => d.cents > 0n,
        ),
      })
      .map("row", (row) => {
        expectTypeOf(row).toEqualTypeOf<{
          readonly origin: string;
          readonly windowStart: number;
          readonly windowEnd: number;
          readonly delayed: number;
          readonly cents: bigint;
          readonly worst: string | undefined;
          readonly mean: number | undefined;
          readonly top: readonly string[];
          readonly twice: number | undefined;
        }>();
        return { origin: row.origin };
      })
      .to(lake("rows", { origin: text }));
  });
  expectTypeOf(filtered(count(), (d: Departure) => d.delay > 15)).toEqualTypeOf<TotalAggregate<Departure, number>>();
  const kept = custom<Departure, number, string>({
    state: z.number(),
    init: () => 0,
    add: (n) => n + 1,
    merge: (a, b) => a + b,
    result: String,
  });
  expectTypeOf(filtered(kept, (d: Departure) => d.delay > 15)).toExtend<Aggregate<Departure, string | undefined>>();
});

test("results that fit a lake's columns go there as they are; lists do not compile", () => {
  const key = { origin: text, windowStart: timestamp, windowEnd: timestamp };
  pipeline("rows", (flow) => {
    const window = hourly(flow);
    window
      .aggregate({
        cents: sumExact((d) => d.cents),
        about: approxDistinct((d) => d.destination),
        p99: approxPercentile((d) => d.delay, 0.99),
        exactly: distinct((d) => d.destination, { max: 100 }),
        deviation: stddevSamp((d) => d.delay),
        slowest: maxBy({ by: (d) => d.delay, value: (d) => d.destination }),
      })
      .to(
        lake("fits", {
          ...key,
          cents: bigint,
          about: bigint,
          p99: double,
          exactly: nullable(bigint),
          deviation: nullable(double),
          slowest: text,
        }),
      );
  });
  pipeline("lists", (flow) => {
    const listed = hourly(flow).aggregate({ top: topN(3, { by: (d) => d.delay, value: (d) => d.destination }) });
    // @ts-expect-error -- a list is no text: map first
    listed.to(lake("list", { ...key, top: text }));
    listed.map("join", (row) => ({ ...row, top: row.top.join() })).to(lake("joined", { ...key, top: text }));
  });
  pipeline("nulls", (flow) => {
    const exactly = hourly(flow).aggregate({ exactly: distinct((d) => d.destination, { max: 100 }) });
    // @ts-expect-error -- it is undefined when there are more than 100
    exactly.to(lake("not_null", { ...key, exactly: bigint }));
  });
});

test("what has no order, and settings out of bounds, do not compile or do not build", () => {
  // @ts-expect-error -- numbers and texts have no order among each other
  min((d: Departure) => (d.delay > 0 ? d.delay : d.destination));
  // @ts-expect-error -- a number is not exact
  sumExact((d: Departure) => d.delay);
  // @ts-expect-error -- an object cannot be told apart
  distinct((d: Departure) => d, { max: 10 });
  const name = (d: Departure) => d.destination;
  const delay = (d: Departure) => d.delay;
  const wrong: Record<string, () => unknown> = {
    "topN of none": () => topN(0, { by: delay, value: name }),
    "topN of a fraction": () => topN(1.5, { by: delay, value: name }),
    "topN of too many": () => topN(1001, { by: delay, value: name }),
    "collect of none": () => collect(name, { max: 0 }),
    "collect of too many": () => collect(name, { max: 10_001 }),
    "distinct of NaN": () => distinct(name, { max: Number.NaN }),
    "an error of 0": () => approxDistinct(name, { standardError: 0 }),
    "an error of NaN": () => approxDistinct(name, { standardError: Number.NaN }),
    "a quantile in per cent": () => approxPercentile(delay, 99),
    "a quantile of NaN": () => approxPercentiles(delay, { p: Number.NaN }),
    "an accuracy of 0": () => approxPercentile(delay, 0.5, { accuracy: 0 }),
    "an accuracy of NaN": () => approxPercentile(delay, 0.5, { accuracy: Number.NaN }),
    "one bin": () => approxPercentile(delay, 0.5, { bins: 1 }),
    "too many bins": () => approxPercentile(delay, 0.5, { bins: 1e6 }),
  };
  for (const [what, build] of Object.entries(wrong))
    expect(build, what).toThrow(expect.objectContaining({ kind: "definition", code: "aggregate/setting" }));
});
