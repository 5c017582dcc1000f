import { bigint, count, double, kinesis, lake, pipeline, sum, text, timestamp, tumbling } from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { event, type Event } from "../support/events-pipeline.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { record, Rig } from "../support/rig.ts";

const SHORT = 10;
const LONG = 30;

interface LongRow {
  readonly key: string;
  readonly window_start: number;
  readonly window_end: number;
  readonly windows: number;
  readonly events: number;
  readonly total: number;
}

/** Windows of the rows of windows. */
function nested(options: { disorder: number; lateness: number; longLateness: number }) {
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: { millis: options.disorder },
    idle: "never",
    maxFuture: "unbounded",
  });
  const windowed = { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint, total: double };
  return pipeline("nested", (flow) => {
    const short = flow
      .from(events)
      .byKey.window("short", tumbling({ millis: SHORT }), { allowedLateness: { millis: options.lateness } })
      .aggregate({ events: count(), total: sum((e) => e.value) });
    const long = short.byKey
      .window("long", tumbling({ millis: LONG }), { allowedLateness: { millis: options.longLateness } })
      .aggregate({ windows: count(), events: sum((row) => row.events), total: sum((row) => row.total) });
    short.to(lake("shorts", windowed));
    long.to(lake("longs", { ...windowed, windows: bigint, events: double }));
    long.late.to(lake("late_rows", windowed));
  });
}

/** What a long window holds: the rows of all the short windows within it. */
function naiveLong(input: readonly Event[], options: { disorder: number; lateness: number }): LongRow[] {
  const rows = new Map<string, LongRow>();
  for (const row of naiveWindows(input, options).windows) {
    const start = Math.floor(row.window_start / LONG) * LONG;
    const id = `${row.key} ${start}`;
    const { windows, events, total } = rows.get(id) ?? { windows: 0, events: 0, total: 0 };
    rows.set(id, {
      key: row.key,
      window_start: start,
      window_end: start + LONG,
      windows: windows + 1,
      events: events + row.events,
      total: total + row.total,
    });
  }
  return [...rows.values()];
}

const events = fc.array(
  fc.record<Event>({
    key: fc.constantFrom("a", "b"),
    time: fc.integer({ min: -60, max: 150 }),
    value: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 50 },
);
const upTo = (max: number) => fc.integer({ min: 0, max });
const byFields = ({ key, window_start, window_end, windows, events: n, total }: LongRow) =>
  `${key} ${window_start} ${window_end} ${windows} ${n} ${total}`;

test("a window over windows holds each of their rows once, whatever the lateness, and none of them is late", async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      upTo(40),
      upTo(40),
      upTo(40),
      upTo(12),
      async (input, disorder, lateness, longLateness, cut) => {
        const rig = new Rig(nested({ disorder, lateness, longLateness }));
        const records = input.map((each, i) => record(i + 1, each));
        const task = rig.task();
        for (let from = 0; from < records.length; from += cut + 1)
          await task.turn({ kind: "records", records: records.slice(from, from + cut + 1) });
        await rig.task().turn({ kind: "drain" });
        expect(sorted(rig.rows<LongRow>("longs").map(byFields))).toEqual(
          sorted(naiveLong(input, { disorder, lateness }).map(byFields)),
        );
        expect(rig.rows("late_rows")).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});

test("a long window closes with the watermark that closes its last short one, and not before", async () => {
  const rig = new Rig(nested({ disorder: 0, lateness: 15, longLateness: 0 }));
  const task = rig.task();
  const at = (sequence: number, time: number) => record(sequence, { key: "a", time, value: 1 });
  await task.turn({ kind: "records", records: [at(1, 29), at(2, 44)] });
  expect(rig.rows("longs")).toEqual([]);
  await task.turn({ kind: "records", records: [at(3, 28), at(4, 45)] });
  expect(rig.rows("longs")).toMatchObject([{ window_start: 0, window_end: 30, windows: 1, events: 2 }]);
});

test("a row of a window belongs to the last instant of it", async () => {
  const rig = new Rig(nested({ disorder: 0, lateness: 0, longLateness: 0 }));
  const at = (sequence: number, time: number) => record(sequence, { key: "a", time, value: 1 });
  await rig.task().turn({ kind: "records", records: [at(1, 20), at(2, 30)] });
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows<LongRow>("longs").map(({ window_start }) => window_start)).toEqual([0, 30]);
});
