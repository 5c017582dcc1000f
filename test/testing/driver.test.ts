import { bigint, bool, count, double, kinesis, lake, nullable, pipeline, text, timestamp, tumbling } from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { fares, MINUTE, perMinute, START, tooLate, trips, ulm } from "./trips.ts";

test("rows come back as their sink declares them, each read once", () => {
  const driver = testDriver(perMinute, { start: START });
  driver.push(trips, ulm(0.5, 3));
  driver.push(trips, ulm(0.9, 4));
  expect(driver.read(fares)).toEqual([]);
  driver.push(trips, ulm(2));
  const rows = driver.read(fares);
  expectTypeOf(rows).toEqualTypeOf<
    Readonly<{ city: string; windowStart: number; windowEnd: number; trips: number | bigint; fares: number }>[]
  >();
  expect(rows).toEqual([{ city: "Ulm", windowStart: START, windowEnd: START + MINUTE, trips: 2, fares: 7 }]);
  expect(driver.read(fares)).toEqual([]);
  driver.drain();
  expect(driver.read(fares).map(({ trips: n }) => n)).toEqual([1]);
});

test("late records are counted by operator, and in the late stream", () => {
  const driver = testDriver(perMinute, { start: START });
  driver.push(trips, ulm(5));
  expect(driver.late).toEqual({});
  driver.push(trips, ulm(1));
  expect(driver.late).toEqual({ minutes: 1 });
  expect(driver.read(tooLate)).toEqual([{ city: "Ulm", at: START + MINUTE }]);
});

test("the watermark, open windows and counters are seen as they are", () => {
  const driver = testDriver(perMinute, { start: START });
  expect(driver.watermark()).toBe(Number.MIN_SAFE_INTEGER);
  driver.push(trips, ulm(0.5, 3));
  driver.push(trips, ulm(1.5, 0));
  driver.push(trips, ulm(1.2, 8));
  expect(driver.watermark(trips)).toBe(START + 0.5 * MINUTE);
  expect(driver.windows(perMinute.handles.minutes, { city: "Ulm" })).toEqual([
    { windowStart: START, windowEnd: START + MINUTE, trips: 1, fares: 3 },
    { windowStart: START + MINUTE, windowEnd: START + 2 * MINUTE, trips: 1, fares: 8 },
  ]);
  expect(driver.windows(perMinute.handles.minutes, { city: "Bonn" })).toEqual([]);
  expect(driver.counters()["paid"]).toMatchObject({ in: 3, filtered: 1 });
  expect(driver.counters()["minutes"]).toMatchObject({ in: 2, folded: 2, closed: 0 });
  driver.drain();
  expect(driver.watermark()).toBe(Number.MAX_SAFE_INTEGER);
  expect(driver.windows(perMinute.handles.minutes, { city: "Ulm" })).toEqual([]);
});

describe("dead letters", () => {
  test("are kept to be read: payloads that are no JSON, values that the schema refuses, user code that throws", () => {
    const strict = pipeline("strict", (flow) => {
      flow
        .from(trips)
        .map("check", (trip) => {
          if (trip.fare < 0) throw new Error("a negative fare");
          return { city: trip.city, at: trip.at };
        })
        .to(tooLate);
    });
    const driver = testDriver(strict, { start: START });
    driver.pushRaw(trips, "{");
    driver.pushRaw(trips, new Uint8Array([0xff]));
    driver.push(trips, { city: 5, fare: 1, at: START } as never);
    driver.push(trips, ulm(0, -1));
    driver.push(trips, ulm(0), { partitionKey: "Bonn" });
    driver.push(trips, ulm(100));
    driver.push(trips, ulm(0));
    expect(driver.deadLetters().map(({ operator, reason }) => `${operator} ${reason.code}`)).toEqual([
      "trips json/syntax",
      "trips json/utf-8",
      "trips schema/mismatch",
      "check user-code/threw",
      "trips kinesis/partition-key",
      "trips time/future",
    ]);
    expect(driver.deadLetters()).toEqual([]);
    expect(driver.read(tooLate)).toHaveLength(1);
  });

  test("are thrown where that was asked for", () => {
    const driver = testDriver(perMinute, { start: START, deadLetters: "throw" });
    expect(() => driver.pushRaw(trips, "{")).toThrow(/became a dead letter in "trips" \(json\/syntax\)/);
    driver.push(trips, ulm(0)); // and no more than that
    expect(driver.deadLetters()).toHaveLength(1);
  });

  test("X10: when most is poison the driver stands still, as the task does", () => {
    const driver = testDriver(perMinute, { start: START });
    const pushAll = () => {
      for (let i = 0; i < 200; i++) driver.pushRaw(trips, "{");
    };
    expect(pushAll).toThrow(/100 of 100 records in a row are poison/);
    expect(() => driver.push(trips, ulm(0))).toThrow(/stands still.*100 of 100 records/s);
    expect(driver.deadLetters()).toHaveLength(99);
  });
});

test("X12: by the driver's clock a quiet source closes its windows, after its idle time-out", () => {
  const driver = testDriver(perMinute, { start: START });
  driver.push(trips, ulm(0.5));
  driver.advanceTime({ minutes: 4, seconds: 59 });
  expect(driver.read(fares)).toEqual([]);
  driver.advanceTime({ seconds: 1 });
  expect(driver.read(fares)).toHaveLength(1);
  expect(driver.now).toBe(START + 5 * MINUTE);
});

describe("stages", () => {
  const perFare = lake("per_fare", { dear: bool, trips: bigint });
  const twoStages = pipeline("two-stages", (flow) => {
    const byFare = flow.from(trips).keyBy("by-fare", { dear: (trip) => trip.fare > 10 });
    const minutes = byFare.window("minutes", tumbling({ minutes: 1 })).aggregate({ trips: count() });
    minutes.map("slim", ({ dear, trips: n }) => ({ dear, trips: n })).to(perFare);
    return { byFare, minutes };
  });

  test.each([1, 2, 5])("a keyBy leads to another stage, on %i shards", (shards) => {
    const driver = testDriver(twoStages, { start: START, shards });
    for (const city of ["Ulm", "Bonn", "Kiel", "Trier"]) {
      for (const fare of [3, 30, 300]) driver.push(trips, { city, fare, at: START + MINUTE });
    }
    const [open] = driver.windows(twoStages.handles.minutes, { dear: true });
    expect(open?.trips).toBe(8);
    expect(driver.counters()["by-fare"]!.in).toBe(24); // once where it leaves the one stage, once where it enters the other
    driver.drain();
    expect(driver.read(perFare).toSorted((a, b) => Number(a.dear) - Number(b.dear))).toEqual([
      { dear: false, trips: 4 },
      { dear: true, trips: 8 },
    ]);
    expect(driver.watermark(twoStages.handles.byFare)).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("each stage has a watermark of its own", () => {
    const driver = testDriver(twoStages, { start: START });
    driver.push(trips, ulm(2));
    expect(driver.watermark(twoStages.handles.byFare)).toBe(START + MINUTE);
    expect(() => driver.watermark()).toThrow(/several stages \(trips, by-fare\)/);
  });
});

test("columns keep what they hold: bigints beyond 2^53, large doubles, texts like numbers, what is missing", () => {
  const kinds = kinesis("kinds", {
    schema: z.object({ digits: z.string(), at: z.number() }),
    eventTime: ({ at }) => at,
    disorder: {},
  });
  const all = lake("all_kinds", {
    exact: bigint,
    small: bigint,
    large: double,
    digits: text,
    isOne: bool,
    missing: nullable(double),
  });
  const copying = pipeline("copying", (flow) => {
    flow
      .from(kinds)
      .map("columns", ({ digits }) => ({
        exact: BigInt(digits),
        small: 5n,
        large: 1e20,
        digits,
        isOne: digits === "1",
      }))
      .to(all);
  });
  const driver = testDriver(copying);
  const tricky = '","exact":1234567890123456789,"';
  for (const digits of ["1", "-9223372036854775808"]) driver.push(kinds, { digits, at: 0 });
  const rows = driver.read(all);
  expect(rows).toEqual([
    { exact: 1, small: 5, large: 1e20, digits: "1", isOne: true },
    { exact: -9223372036854775808n, small: 5, large: 1e20, digits: "-9223372036854775808", isOne: false },
  ]);
  const texts = lake("texts", { digits: text, exact: bigint });
  expect(texts.decode(texts.encode({ digits: tricky, exact: 2n ** 62n } as never))).toEqual({
    digits: tricky,
    exact: 2n ** 62n,
  });
});

test("records are given as producers send them, where the schema makes something else of them", () => {
  const dated = kinesis("dated", {
    schema: z.object({ id: z.string(), when: z.iso.datetime().transform((when) => new Date(when)) }),
    key: { id: (d) => d.id },
    eventTime: (d) => d.when,
    disorder: {},
  });
  const times = lake("times", { id: text, at: timestamp });
  const flow = pipeline("dates", (from) => {
    from
      .from(dated)
      .map("at", ({ id, when }) => ({ id, at: when.getTime() }))
      .to(times);
  });
  const driver = testDriver(flow, { deadLetters: "throw" });
  driver.push(dated, { id: "a", when: "2001-01-01T00:00:00Z" });
  // @ts-expect-error a Date is what the schema gives, and not what it takes
  expect(() => driver.push(dated, { id: "a", when: new Date(Number.NaN) })).toThrow(/dead letter/);
  // @ts-expect-error no such field
  expect(() => driver.push(dated, { name: "a" })).toThrow(/dead letter/);
  expect(driver.read(times)).toEqual([{ id: "a", at: START }]);
});

describe("errors say what to do", () => {
  const driver = testDriver(perMinute, { start: START });
  const { minutes } = perMinute.handles;
  const others = kinesis("others", { schema: z.object({ at: z.number() }), eventTime: (o) => o.at, disorder: {} });
  const elsewhere = pipeline("elsewhere", (flow) => {
    const hours = flow
      .from(others)
      .keyBy("all", {})
      .window("hourly", tumbling({ hours: 1 }))
      .aggregate({ n: count() });
    hours.map("slim", ({ n }) => ({ n })).to(lake("hours", { n: bigint }));
    return { hours };
  });

  test.each<[string, () => unknown, RegExp]>([
    ["source", () => driver.push(others, { at: 0 }), /has no source "others"\. It has trips/],
    ["sink", () => driver.read(lake("other", { at: timestamp })), /has no sink "other"\. It has fares, too_late/],
    [
      "another pipeline's",
      () => driver.windows(elsewhere.handles.hours, {}),
      /Pipeline "fares" has no window "hourly"\. It has trips, paid, minutes/,
    ],
    // @ts-expect-error windows have no state
    ["other kind", () => driver.state(minutes, { city: "Ulm" }), /state\(\) was given nothing that/],
    [
      "name",
      // @ts-expect-error no handle
      () => driver.windows("minutes", { city: "Ulm" }),
      /windows\(\) was given nothing .* from the pipeline's handles/,
    ],
    // @ts-expect-error another key
    ["key", () => driver.windows(minutes, { town: "Ulm" }), /keys of the fields \(city\).*\(town\)/],
    ["JSON", () => driver.push(trips, { ...ulm(0), fare: 1n } as never), /cannot be written as JSON.*BigInt/],
    ["duration", () => driver.advanceTime({ hours: 0.5 }), /a duration was expected/],
    ["shards", () => testDriver(perMinute, { shards: 0 }), /shards is 0/],
    ["restartEvery", () => testDriver(perMinute, { restartEvery: 1.5 }), /restartEvery is 1.5/],
    ["start", () => testDriver(perMinute, { start: new Date(Number.NaN) }), /start is Invalid Date/],
  ])("%s", (_what, wrong, message) => {
    expect(wrong).toThrow(message);
  });

  test("a drained driver takes no more records, and can be drained again", () => {
    const done = testDriver(perMinute, { start: START });
    done.push(trips, ulm(1));
    done.drain();
    done.drain();
    expect(() => done.push(trips, ulm(2))).toThrow(/was drained.*make another driver/s);
    expect(done.read(fares)).toHaveLength(1);
  });
});
