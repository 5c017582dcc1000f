import fc from "fast-check";
import {
  approxDistinct,
  approxPercentiles,
  bigint,
  collect,
  count,
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
  minBy,
  nullable,
  pipeline,
  stddevSamp,
  sumDecimal,
  sumExact,
  text,
  timestamp,
  topN,
  tumbling,
  varPop,
  type Flow,
} from "millrace";
import { expect, test } from "vitest";
import { event, type Event } from "../support/events-pipeline.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

const events = kinesis("events", {
  schema: event,
  key: { key: (e) => e.key },
  eventTime: (e) => e.time,
  disorder: { millis: 1000 },
  idle: "never",
  maxFuture: "unbounded",
});

const everything = () =>
  pipeline("everything", (flow: Flow) => {
    flow
      .from(events)
      .byKey.window("tens", tumbling({ millis: 10 }))
      .aggregate({
        mean: mean((e) => e.value),
        cents: sumExact((e) => BigInt(e.value)),
        price: sumDecimal((e) => (e.value / 100).toFixed(2)),
        variance: varPop((e) => e.value),
        deviation: stddevSamp((e) => e.value),
        text: max((e) => String(e.value)),
        least: minBy({ by: (e) => e.value, value: (e) => e }),
        most: maxBy({ by: (e) => BigInt(e.value), value: (e) => e.time }),
        first: first((e) => e.value),
        last: last((e) => ({ value: e.value, at: new Date(e.time) })),
        top: topN(3, { by: (e) => e.value, value: (e) => e.time }),
        all: collect((e) => e.value, { max: 5 }),
        distinct: distinct((e) => e.value, { max: 3 }),
        about: approxDistinct((e) => e.value),
        percentiles: approxPercentiles((e) => e.value, { median: 0.5, p99: 0.99 }),
        odd: filtered(count(), (e) => e.value % 2 !== 0),
        oddMean: filtered(
          mean((e) => e.value),
          (e) => e.value % 2 !== 0,
        ),
      })
      .map("as-text", ({ key, windowStart, ...row }) => ({
        key,
        windowStart,
        row: JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)),
      }))
      .to(lake("rows", { key: text, windowStart: timestamp, row: text }));
  });

const input = fc.array(
  fc.record<Event>({
    key: fc.constantFrom("a", "b"),
    time: fc.integer({ min: 0, max: 25 }),
    value: fc.integer({ min: -5, max: 5 }),
  }),
  { minLength: 1, maxLength: 40 },
);
const sorted = (rig: Rig) =>
  rig
    .rows<object>("rows")
    .map((row) => JSON.stringify(row))
    .sort();

test("X3: rows are the same however batches are cut, in processes that know nothing, from logs or checkpoints", async () => {
  await fc.assert(
    fc.asyncProperty(input, fc.array(fc.nat(40), { maxLength: 6 }), fc.boolean(), async (all, places, small) => {
      const whole = new Rig(everything());
      const records = all.map((one, i) => record(i + 1, one));
      await whole.task().turn({ kind: "records", records });
      await whole.task().turn({ kind: "drain" });
      const pieces = new Rig(everything());
      const options = small ? { limits: SMALL_LIMITS } : {};
      const at = [...new Set(places.map((place) => place % (all.length + 1)))].sort((a, b) => a - b);
      for (const [i, start] of [0, ...at].entries()) {
        await pieces.task(options).turn({ kind: "records", records: records.slice(start, at[i] ?? all.length) });
      }
      await pieces.task(options).turn({ kind: "drain" });
      expect(sorted(pieces)).toEqual(sorted(whole));
      expect(whole.deadLetters()).toEqual([]);
      expect(sorted(whole)).toHaveLength(new Set(all.map(({ key, time }) => `${key} ${Math.floor(time / 10)}`)).size);
    }),
    { numRuns: 60 },
  );
});

test("a row says what its records say", async () => {
  const rig = new Rig(everything());
  const values: [time: number, value: number][] = [
    [3, 1],
    [1, 4],
    [1, 2],
    [9, -5],
    [9, 4],
  ];
  await rig.task().turn({
    kind: "records",
    records: values.map(([time, value], i) => record(i + 1, { key: "a", time, value })),
  });
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows<{ row: string }>("rows").map(({ row }) => JSON.parse(row) as unknown)).toEqual([
    {
      windowEnd: 10,
      mean: 1.2,
      cents: "6n",
      price: "0.06",
      variance: 10.96,
      deviation: Math.sqrt(13.7),
      text: "4",
      least: { key: "a", time: 9, value: -5 },
      most: 1,
      first: 4,
      last: { value: 4, at: "1970-01-01T00:00:00.009Z" },
      top: [1, 9, 1],
      all: [4, 2, 1, -5, 4],
      about: 4,
      percentiles: { median: expect.closeTo(2, 1) as number, p99: 4 },
      odd: 2,
      oddMean: -2,
    },
  ]);
});

test("X7: a record that one aggregate refuses is in none; what has no value is no column", async () => {
  const rig = new Rig(
    pipeline("refusing", (flow: Flow) => {
      flow
        .from(events)
        .byKey.window("tens", tumbling({ millis: 10 }))
        .aggregate({
          count: count(),
          first: first((e) => e.time),
          distinct: distinct((e) => e.value, { max: 10 }),
          inverse: max((e) => 1 / e.value), // infinite for 0
          spread: stddevSamp((e) => e.value),
        })
        .to(
          lake("rows", {
            key: text,
            windowStart: timestamp,
            windowEnd: timestamp,
            count: bigint,
            first: bigint,
            distinct: nullable(bigint),
            inverse: double,
            spread: nullable(double),
          }),
        );
    }),
  );
  const records = [
    [2, 1],
    [1, 0],
    [3, 1],
    [11, 1],
  ].map(([time, value], i) => record(i + 1, { key: "a", time, value }));
  await rig.task().turn({ kind: "records", records });
  await rig.task().turn({ kind: "drain" });
  expect(rig.deadLetters()).toMatchObject([{ operator: "tens", reason: { code: "aggregate/not-finite" } }]);
  expect(rig.rows("rows")).toEqual([
    { key: "a", window_start: 0, window_end: 10, count: 2, first: 2, distinct: 1, inverse: 1, spread: 0 },
    { key: "a", window_start: 10, window_end: 20, count: 1, first: 11, distinct: 1, inverse: 1 },
  ]);
});
