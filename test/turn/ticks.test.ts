import { expect, test } from "vitest";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

const IDLE = 60_000;
const ARRIVAL = 1_000_000;
const rigWithIdle = () => new Rig(eventsPipeline({ idle: { minutes: 1 }, disorder: { millis: 5 } }));
const one = (sequence: number, time: number, arrival = ARRIVAL) =>
  record(sequence, { key: "a", time, value: 1 }, { arrival });

/** Gives the task the newest tick, at its time. */
async function nextTick(rig: Rig, late = 0): Promise<void> {
  const tick = rig.ticks().at(-1)!;
  rig.now = tick.at + late;
  await rig.task().turn({ kind: "tick", id: tick.id });
}

test("X12: a window closes although the stream has gone quiet, at the wall clock's rate from the last arrival", async () => {
  const rig = rigWithIdle();
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  expect(rig.ticks()).toMatchObject([{ at: ARRIVAL + IDLE }]);
  await nextTick(rig);
  expect(rig.rows<SumRow>("sums")).toMatchObject([{ events: 1, window_start: 0 }]);
  expect(rig.reports.at(-1)!.watermark).toBe(3 - 5 + IDLE);
  expect(rig.ticks()).toHaveLength(1); // nothing is open: no further tick
});

test("X12: a pause in replayed history of 2001 does not jump to today", async () => {
  const rig = rigWithIdle();
  const then = Date.UTC(2001, 0, 1);
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, then), one(2, then + 200_000)] });
  await nextTick(rig);
  expect(rig.reports.at(-1)!.watermark).toBe(then + 200_000 - 5 + IDLE);
});

test("X12: event time stands while the source holds anything unread", async () => {
  const rig = rigWithIdle();
  rig.atTip = false;
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  await nextTick(rig, 10 * IDLE);
  expect(rig.rows("sums")).toEqual([]);
  expect(rig.ticks()).toHaveLength(2); // it asks again later
  rig.atTip = true;
  await nextTick(rig);
  expect(rig.rows("sums")).toHaveLength(1);
});

test("X12: ticks that the state does not know are ignored, so chains do not multiply", async () => {
  const rig = rigWithIdle();
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  const [tick] = rig.ticks();
  rig.now = tick!.at;
  rig.atTip = false;
  await rig.task().turn({ kind: "tick", id: tick!.id });
  const epoch = rig.reports.at(-1)!.epoch;
  for (let i = 0; i < 3; i++) await rig.task().turn({ kind: "tick", id: tick!.id });
  await rig.task().turn({ kind: "tick", id: "never sent" });
  expect(rig.reports.at(-1)!.epoch).toBe(epoch);
  expect(rig.ticks()).toHaveLength(2);
});

test("X12: while records come, a tick moves nothing and waits for silence", async () => {
  const rig = rigWithIdle();
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  await rig.task().turn({ kind: "records", records: [one(2, 4, ARRIVAL + IDLE - 10_000)] });
  await nextTick(rig);
  expect(rig.rows("sums")).toEqual([]);
  expect(rig.ticks().at(-1)!.at).toBe(ARRIVAL + IDLE - 10_000 + IDLE);
});

test("a tick leads to the next window's end when that is further away", async () => {
  const rig = new Rig(eventsPipeline({ idle: { seconds: 5 }, disorder: { minutes: 10 } }));
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  await nextTick(rig);
  const due = 10 - (3 - 600_000); // until the watermark is at the window's end
  expect(rig.ticks().at(-1)!.at).toBe(ARRIVAL + due);
  await nextTick(rig);
  expect(rig.rows("sums")).toHaveLength(1);
});

test("drain closes every window, once; what comes after it is late", async () => {
  const rig = rigWithIdle();
  await rig.task().turn({ kind: "records", records: [one(1, 3), one(2, 25)] });
  await rig.task().turn({ kind: "drain" });
  const epoch = rig.reports.at(-1)!.epoch;
  await rig.task().turn({ kind: "drain" });
  expect(rig.reports.at(-1)!.epoch).toBe(epoch);
  expect(rig.rows("sums")).toHaveLength(2);
  await rig.task().turn({ kind: "records", records: [one(3, 1_000)] });
  expect(rig.rows("late")).toHaveLength(1);
});

test("drain is refused while the source holds anything unread", async () => {
  const rig = rigWithIdle();
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  rig.atTip = false;
  await expect(rig.task().turn({ kind: "drain" })).rejects.toMatchObject({
    kind: "infrastructure",
    code: "task/not-at-tip",
  });
});

test("X12: a lost tick is replaced once it is long overdue, and the old one is ignored after that", async () => {
  const rig = rigWithIdle();
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 3)] });
  const [lost] = rig.ticks();
  rig.now = ARRIVAL + 2 * 3_600_000;
  await rig.task().turn({ kind: "records", records: [one(2, 4, rig.now)] });
  expect(rig.ticks()).toHaveLength(2);
  await rig.task().turn({ kind: "tick", id: lost!.id });
  expect(rig.rows("sums")).toEqual([]);
  await nextTick(rig);
  expect(rig.rows("sums")).toHaveLength(1);
});

test("X12: a straggler after an idle advance costs a few ticks, not one a second", async () => {
  const rig = new Rig(eventsPipeline({ idle: { minutes: 5 }, disorder: { hours: 1 } }));
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [one(1, 0)] });
  rig.atTip = true;
  rig.now = ARRIVAL + 3_590_000;
  const first = rig.ticks()[0]!;
  await rig.task().turn({ kind: "tick", id: first.id });
  await rig.task().turn({ kind: "records", records: [one(2, 5, rig.now)] });
  let ticks = 0;
  while (rig.rows("sums").length === 0 && ticks < 50) {
    await nextTick(rig);
    ticks++;
  }
  expect(rig.rows<SumRow>("sums")).toMatchObject([{ events: 2 }]);
  expect(ticks).toBeLessThan(7); // an hour, in steps of a quarter
});
