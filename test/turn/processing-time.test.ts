import { eventTime, kinesis, lake, pipeline, processingTime, text, timestamp, value, type Duration } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { record, Rig } from "../support/rig.ts";

const NOW = 1_000_000;

interface Row {
  readonly key: string;
  readonly what: string;
  readonly at: number;
  readonly now: number;
}

/** Waits so long for a key's next record, by the wall clock; a record can ask for another wait. */
function impatient(idle: Duration | "never" = "never") {
  const events = kinesis("events", {
    schema: z.object({ key: z.string(), time: z.number(), wait: z.number().optional(), fail: z.boolean().optional() }),
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: { millis: 5 },
    idle,
    maxFuture: "unbounded",
  });
  return pipeline("impatient", (flow) => {
    flow
      .from(events)
      .byKey.process("wait", {
        state: { seen: value(z.number(), { initial: 0 }), fail: value(z.boolean(), { initial: false }) },
        timers: { giveUp: processingTime, later: eventTime },
        onRecord(event, { state, timers }) {
          state.seen.set(state.seen.get() + 1);
          state.fail.set(event.fail ?? false);
          timers.giveUp.after({ millis: event.wait ?? 5_000 });
        },
        *onTimer(timer, { key, state, time, now, timers }) {
          if (state.fail.get()) throw new Error("cannot give up");
          if (timer === "giveUp") timers.later.set(time - 1); // passed already: it fires at once
          yield { key: key.key, what: `${timer} after ${state.seen.get()}`, at: time, now };
        },
      })
      .to(lake("out", { key: text, what: text, at: timestamp, now: timestamp }));
  });
}

const one = (sequence: number, value: object) => record(sequence, { key: "a", time: 100, ...value }, { arrival: NOW });

test("a timer in processing time fires by a tick, although no record comes and event time stands", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, {}), one(2, {})] });
  expect(rig.ticks()).toMatchObject([{ at: NOW + 5_000 }]);
  rig.now = NOW + 5_020;
  await rig.task().turn({ kind: "tick", id: rig.ticks()[0]!.id });
  expect(rig.rows<Row>("out")).toEqual([
    { key: "a", what: "giveUp after 2", at: 95, now: NOW + 5_020 },
    { key: "a", what: "later after 2", at: 94, now: NOW + 5_020 },
  ]);
  expect(rig.ticks()).toHaveLength(1); // nothing is set: no further tick
});

test("it fires before the records of a turn that comes first, and its tick finds nothing then", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, {})] });
  rig.now = NOW + 6_000;
  await rig.task().turn({ kind: "records", records: [one(2, { time: 200 })] });
  expect(rig.rows<Row>("out").map(({ what }) => what)).toEqual(["giveUp after 1", "later after 1"]);
  const { epoch } = (await rig.header())!;
  await rig.task().turn({ kind: "tick", id: rig.ticks()[0]!.id });
  expect(rig.rows("out")).toHaveLength(2);
  expect((await rig.header())!.epoch).toBe(epoch + 1); // it armed the next one
});

test("a turn whose records are all known fires what is due, and commits it", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, {})] });
  rig.now = NOW + 6_000;
  await rig.task().turn({ kind: "records", records: [one(1, {})] });
  expect(rig.rows("out")).toHaveLength(2);
  await rig.task().turn({ kind: "records", records: [one(1, {})] });
  expect(rig.rows("out")).toHaveLength(2);
  expect((await rig.header())!.epoch).toBe(2);
});

test("X12: one that is due sooner than the tick on its way gets a tick of its own, and the old one is ignored", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, { wait: 600_000 })] });
  await rig.task().turn({ kind: "records", records: [one(2, { key: "b", wait: 3_000 })] });
  await rig.task().turn({ kind: "records", records: [one(3, { key: "c", wait: 900_000 })] });
  expect(rig.ticks().map(({ at }) => at)).toEqual([NOW + 600_000, NOW + 3_000]);
  rig.now = NOW + 3_000;
  await rig.task().turn({ kind: "tick", id: rig.ticks()[1]!.id });
  expect(rig.ticks().at(-1)!.at).toBe(NOW + 600_000);
  rig.now = NOW + 600_000;
  const { epoch } = (await rig.header())!;
  await rig.task().turn({ kind: "tick", id: rig.ticks()[0]!.id });
  expect((await rig.header())!.epoch).toBe(epoch + 1); // its timer was due, whoever gives the turn
  expect(rig.rows<Row>("out").filter(({ what }) => what.startsWith("giveUp"))).toHaveLength(2);
});

test("X12: a timer far ahead is reached in steps that a queue can delay", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, { wait: 3 * 900_000 })] });
  let turns = 0;
  for (; rig.rows("out").length === 0; turns++) {
    const tick = rig.ticks().at(-1)!;
    rig.now = tick.at;
    await rig.task().turn({ kind: "tick", id: tick.id });
  }
  expect(turns).toBe(3);
  expect(rig.now).toBe(NOW + 3 * 900_000);
});

test("X7: one that throws becomes a dead letter, and is redriven", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, { fail: true })] });
  rig.now = NOW + 5_000;
  await rig.task().turn({ kind: "tick", id: rig.ticks()[0]!.id });
  const [letter] = rig.deadLetters();
  expect(letter).toMatchObject({
    kind: "timer",
    operator: "wait",
    reason: { message: "cannot give up" },
    unit: { about: { timer: "giveUp", at: NOW + 5_000 }, key: { key: "a" } },
  });
  await rig.task().turn({ kind: "records", records: [one(2, { fail: false })] });
  await rig.process().control({ type: "redrive", task: letter!.task, letter: letter! });
  expect(rig.rows<Row>("out")).toMatchObject([{ what: "giveUp after 2" }, { what: "later after 2" }]);
});

test("X4: what fired comes out of the commit, not of the clock", async () => {
  const rig = new Rig(impatient());
  rig.now = NOW;
  await rig.task().turn({ kind: "records", records: [one(1, {})] });
  rig.now = NOW + 5_000;
  const broken = rig.task({
    wrapSink: (name, sink) =>
      name === "out" ? { deliver: () => Promise.reject(new Error("the sink is down")) } : sink,
  });
  const [tick] = rig.ticks();
  await expect(broken.turn({ kind: "tick", id: tick!.id })).rejects.toThrow("the sink is down");
  rig.now = NOW + 99_000;
  await rig.task().turn({ kind: "sweep" });
  expect(rig.rows<Row>("out").map(({ now }) => now)).toEqual([NOW + 5_000, NOW + 5_000]);
});
