import {
  countWindow,
  double,
  eventTime,
  kinesis,
  lake,
  list,
  map,
  max,
  pipeline,
  processingTime,
  reducing,
  session,
  sliding,
  text,
  timestamp,
  value,
  type WindowAssigner,
} from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { MINUTE, perMinute, START, tooLate, trips, ulm } from "./trips.ts";

describe("process functions", () => {
  const readings = kinesis("readings", {
    schema: z.object({ room: z.string(), sensor: z.number(), at: z.number(), level: z.number() }),
    key: { room: (r) => r.room, sensor: (r) => r.sensor },
    eventTime: (r) => r.at,
    disorder: { seconds: 0 },
  });
  const alerts = lake("alerts", { timer: text, at: timestamp });
  const watching = pipeline("watching", (flow) => {
    const watch = flow.from(readings).byKey.process("watch", {
      state: {
        last: value(z.number(), { initial: -1 }),
        recent: list(z.number(), { ttl: { minutes: 2 } }),
        byLevel: map(z.number(), z.object({ at: z.number() })),
        total: reducing(z.number(), (a, b) => a + b),
      },
      timers: { quiet: eventTime, check: processingTime },
      onRecord({ level, at }, { state, timers }) {
        state.last.set(level);
        state.recent.append(level);
        state.byLevel.set(level, { at });
        state.total.add(level);
        timers.quiet.after({ minutes: 3 });
        timers.check.after({ minutes: 1 });
      },
      *onTimer(timer, { time }) {
        yield { timer, at: time };
      },
    });
    watch.to(alerts);
    return { watch };
  });
  const { watch } = watching.handles;
  const key = { sensor: 7, room: "hall" };
  const reading = (minutes: number, level: number) => ({ ...key, at: START + minutes * MINUTE, level });

  test("their state and timers are seen as user code sees them", () => {
    const driver = testDriver(watching, { start: START });
    expect(driver.state(watch, key)).toEqual({ last: -1, recent: [], byLevel: new Map(), total: undefined });
    expect(driver.timers(watch, key)).toEqual({});
    driver.push(readings, reading(0, 4));
    driver.push(readings, reading(1, 5));
    const byLevel = new Map([
      [4, { at: START }],
      [5, { at: START + MINUTE }],
    ]);
    expect(driver.state(watch, key)).toEqual({ last: 5, recent: [4, 5], byLevel, total: 9 });
    expect(driver.timers(watch, key)).toEqual({ quiet: START + 4 * MINUTE, check: START + MINUTE });
    driver.push(readings, { ...reading(2.5, 0), sensor: 8 });
    expect(driver.state(watch, key).recent).toEqual([5]); // the other one has expired
  });

  test("what is seen has the types of what is declared; wrong names do not compile", () => {
    const driver = testDriver(watching, { start: START });
    const state = driver.state(watch, key);
    expectTypeOf(state.last).toEqualTypeOf<number>();
    expectTypeOf(state.recent).toEqualTypeOf<readonly number[]>();
    expectTypeOf(state.byLevel).toEqualTypeOf<ReadonlyMap<number, { readonly at: number }>>();
    expectTypeOf(state.total).toEqualTypeOf<number | undefined>();
    expectTypeOf(driver.timers(watch, key)).toEqualTypeOf<{ readonly quiet?: number; readonly check?: number }>();
    const taxis = testDriver(perMinute, { start: START });
    taxis.push(trips, ulm(0, 4));
    const [open] = taxis.windows(perMinute.handles.minutes, { city: "Ulm" });
    expectTypeOf(open!.fares).toEqualTypeOf<number>();
    expectTypeOf(open!.windowEnd).toEqualTypeOf<number>();
    // @ts-expect-error no such cell
    expect(state.first).toBeUndefined();
    // @ts-expect-error no such timer
    expect(driver.timers(watch, key).loud).toBeUndefined();
    // @ts-expect-error no such aggregate
    expect(open?.tips).toBeUndefined();
    // @ts-expect-error the key is known beside the row
    expect(open?.city).toBeUndefined();
    // @ts-expect-error no such operator
    expect(watching.handles.listen).toBeUndefined();
    // @ts-expect-error a part of the key
    expect(() => driver.state(watch, { room: "hall" })).toThrow(/keys of the fields/);
    // @ts-expect-error a process function has no windows
    expect(() => driver.windows(watch, key)).toThrow(/nothing that the pipeline is made of/);
  });

  test("timers in processing time fire as time passes, those in event time as records come", () => {
    const driver = testDriver(watching, { start: START });
    driver.push(readings, reading(0, 4));
    driver.advanceTime({ minutes: 1 });
    expect(driver.read(alerts)).toEqual([{ timer: "check", at: START }]);
    expect(driver.timers(watch, key)).toEqual({ quiet: START + 3 * MINUTE });
    driver.push(readings, { ...reading(3, 0), sensor: 8 });
    expect(driver.read(alerts)).toEqual([{ timer: "quiet", at: START + 3 * MINUTE }]);
  });

  test("a schema that does not take back what it gave is found by restarts", () => {
    const once = z.number().refine((n) => !seen.has(n));
    const seen = new Set<number>();
    const forgetful = pipeline("forgetful", (flow) => {
      flow
        .from(readings)
        .byKey.process("watch", {
          state: { last: value(once) },
          *onRecord({ level }, { state, time }) {
            state.last.set(level);
            seen.add(level);
            yield { timer: "none", at: time };
          },
        })
        .to(alerts);
    });
    const pushTwo = (options: { readonly restartEvery?: number }) => {
      const driver = testDriver(forgetful, { start: START, ...options });
      driver.push(readings, reading(0, Math.random()));
      driver.push(readings, reading(1, Math.random()));
    };
    expect(() => pushTwo({})).not.toThrow();
    expect(() => pushTwo({ restartEvery: 2 })).toThrow(/The state "last" of operator "watch" holds what its schema/);
  });
});

test.each<[string, WindowAssigner<unknown>, readonly unknown[]]>([
  ["session", session({ gap: { minutes: 1 } }), [{ windowStart: START, windowEnd: START + 1.5 * MINUTE, most: 9 }]],
  ["count", countWindow(3), [{ windowStart: START, windowEnd: START + 0.5 * MINUTE + 1, most: 9 }]],
  [
    "sliding",
    sliding({ preceding: { minutes: 1 } }),
    [
      { windowStart: START - MINUTE, windowEnd: START + 1, most: 4 },
      { windowStart: START - 0.5 * MINUTE, windowEnd: START + 0.5 * MINUTE + 1, most: 9 },
    ],
  ],
])("open windows of other kinds: %s", (_kind, assigner, expected) => {
  const open = pipeline("open", (flow) => {
    const w = flow
      .from(trips)
      .byKey.window("w", assigner)
      .aggregate({ most: max((trip) => trip.fare) });
    w.map("row", ({ most }) => ({ most })).to(lake("most", { most: double }));
    return { w };
  });
  const driver = testDriver(open, { start: START });
  driver.push(trips, ulm(0, 4));
  driver.push(trips, ulm(0.5, 9));
  expect(driver.windows(open.handles.w, { city: "Ulm" })).toEqual(expected);
});

test("what a deduplicate has seen", () => {
  const once = pipeline("once", (flow) => {
    const first = flow.from(trips).byKey.deduplicate("once", { id: (trip) => trip.id ?? "", within: { hours: 1 } });
    first.map("slim", ({ city, at }) => ({ city, at })).to(tooLate);
    return { first };
  });
  const driver = testDriver(once, { start: START });
  for (const id of ["a", "b", "a"]) driver.push(trips, { ...ulm(1), id });
  expect(driver.read(tooLate)).toHaveLength(2);
  const at = [START + MINUTE];
  expect(driver.state(once.handles.first, { city: "Ulm" })).toEqual({
    seen: new Map([
      ["a", at],
      ["b", at],
    ]),
  });
});
