import {
  bigint,
  count,
  double,
  kinesis,
  lake,
  MillraceError,
  pipeline,
  sum,
  text,
  timestamp,
  tumbling,
} from "millrace";
import { expect, test } from "vitest";
import { event } from "../support/events-pipeline.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

const windowed = { key: text, windowStart: timestamp, windowEnd: timestamp, total: double };

/** Windows with three branches: a sink, windows over them, and a check that comes last and may throw. */
function branching(check: (total: number) => void) {
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: {},
    idle: "never",
    maxFuture: "unbounded",
  });
  return pipeline("branching", (flow) => {
    const short = flow
      .from(events)
      .byKey.window("tens", tumbling({ millis: 10 }))
      .aggregate({ total: sum((e) => e.value) });
    short.to(lake("first", windowed));
    short.byKey
      .window("hundreds", tumbling({ millis: 100 }))
      .aggregate({ windows: count(), total: sum((row) => row.total) })
      .to(lake("second", { ...windowed, windows: bigint }));
    short
      .map("check", (row) => {
        check(row.total);
        return row;
      })
      .to(lake("third", windowed));
  });
}

const refuseLarge = (total: number): void => {
  if (total > 9) throw new Error("too much");
};
const at = (sequence: number, key: string, time: number, value: number) => record(sequence, { key, time, value });

/** Key a has a good window before the bad one and one after it; b has nothing but a bad one; c is good. */
const RECORDS = [
  at(1, "a", 1, 5),
  at(2, "a", 11, 10),
  at(3, "b", 12, 11),
  at(4, "c", 13, 7),
  at(5, "a", 21, 3),
  at(6, "a", 40, 1),
];

for (const [name, size] of [
  ["in one batch", 6],
  ["in a new process for each record", 1],
] as const) {
  test(`X7: a pane that fails in its last branch leaves nothing in the branches before it, ${name}`, async () => {
    const rig = new Rig(branching(refuseLarge));
    for (let from = 0; from < RECORDS.length; from += size)
      await rig
        .task(size === 1 ? { limits: SMALL_LIMITS } : {})
        .turn({ kind: "records", records: RECORDS.slice(from, from + size) });
    await rig.task().turn({ kind: "drain" });
    const good = [
      ["a", 0, 5],
      ["c", 10, 7],
      ["a", 20, 3],
      ["a", 40, 1],
    ];
    for (const sink of ["first", "third"]) {
      const rows = rig.rows<{ key: string; window_start: number; total: number }>(sink);
      expect(rows.map(({ key, window_start, total }) => [key, window_start, total])).toEqual(good);
    }
    expect(rig.rows("second")).toEqual([
      { key: "a", window_start: 0, window_end: 100, windows: 3, total: 9 },
      { key: "c", window_start: 0, window_end: 100, windows: 1, total: 7 },
    ]);
    expect(rig.deadLetters()).toMatchObject([
      { kind: "pane", operator: "check", unit: { key: { key: "a" }, about: { start: 10, end: 20 } } },
      { kind: "pane", operator: "check", unit: { key: { key: "b" }, about: { start: 10, end: 20 } } },
    ]);
    const counters = await rig.counters();
    expect(counters.get("tens")).toEqual({ in: 6, filtered: 0, folded: 6, late: 0, dead: 2, closed: 6, sent: 0 });
    expect(counters.get("hundreds")).toEqual({ in: 4, filtered: 0, folded: 4, late: 0, dead: 0, closed: 2, sent: 0 });
    expect(counters.get("first")).toMatchObject({ in: 4, folded: 4 });
    expect(counters.get("third")).toMatchObject({ in: 4, folded: 4 });
  });
}

test("X10: a systemic error while a pane is emitted stops the task; nothing is committed, and the fix finds all", async () => {
  let broken = true;
  const rig = new Rig(
    branching(() => {
      if (broken) throw new MillraceError("systemic", { code: "test/broken", message: "the deployment is wrong" });
    }),
  );
  await rig.task().turn({ kind: "records", records: RECORDS.slice(0, 1) });
  const task = rig.task();
  for (let retry = 0; retry < 2; retry++) {
    await expect(task.turn({ kind: "records", records: RECORDS.slice(1) })).rejects.toMatchObject({
      kind: "systemic",
      code: "test/broken",
    });
  }
  expect(rig.rows("first")).toEqual([]);
  expect((await rig.counters()).get("events")).toMatchObject({ in: 1 });
  broken = false;
  await task.turn({ kind: "records", records: RECORDS.slice(1) });
  await rig.task().turn({ kind: "drain" });
  expect(rig.deadLetters()).toEqual([]);
  expect(rig.rows("third")).toHaveLength(6);
});
