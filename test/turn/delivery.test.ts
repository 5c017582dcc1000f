import { kinesis, lake, pipeline, text } from "millrace";
import { describe, expect, test } from "vitest";
import { MAX_RECORD_BYTES } from "../../lib/connectors/firehose/declare.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import type { SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { event, eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

const at = (sequence: number, time: number) => record(sequence, { key: "a", time, value: 1 });
const DOWN: SinkWriter = { deliver: () => Promise.reject(new Error("down")) };
const without = (down: string) => ({ wrapSink: (name: string, sink: SinkWriter) => (name === down ? DOWN : sink) });

describe("X5: a sink that was down gets every epoch's outputs", () => {
  /** Each closes a window and has a late record: outputs for both sinks. */
  const first = [at(1, 1), at(2, 50), at(3, 2)];
  const second = [at(4, 100), at(5, 3)];

  for (const [downFirst, downAgain] of [
    ["late", "late"],
    ["late", "sums"],
    ["sums", "late"],
    ["sums", "sums"],
  ] as const) {
    test(`${downFirst} down at one epoch, ${downAgain} at the next`, async () => {
      const rig = new Rig(eventsPipeline());
      for (const [records, down] of [
        [first, downFirst],
        [second, downAgain],
      ] as const) {
        await expect(rig.task(without(down)).turn({ kind: "records", records })).rejects.toThrow(`${down} (down)`);
        await rig.task().turn({ kind: "records", records });
      }
      expect(rig.rows<SumRow>("sums").map(({ window_start }) => window_start)).toEqual([0, 50]);
      expect(rig.rows<{ time: number }>("late").map(({ time }) => time)).toEqual([2, 3]);
      expect(rig.sinks.get("sums")!.received).toHaveLength(2); // and none of them again
      expect(rig.sinks.get("late")!.received).toHaveLength(2);
    });
  }

  test("a sink that had its outputs of an epoch in spite of another gets those of the next, in the same turn", async () => {
    const rig = new Rig(eventsPipeline());
    await expect(rig.task(without("late")).turn({ kind: "records", records: first })).rejects.toThrow("late (down)");
    await rig.task().turn({ kind: "records", records: second });
    expect(rig.sinks.get("sums")!.received).toHaveLength(2);
    expect(rig.sinks.get("late")!.received).toHaveLength(2);
  });
});

test("X4, X8: the ids of one commit's outputs are unique across its sinks, and number them in their order", async () => {
  const rig = new Rig(eventsPipeline());
  const broken = record(4, { key: "a", time: "never", value: 1 });
  await rig.task().turn({ kind: "records", records: [at(1, 1), at(2, 50), at(3, 2), broken, at(5, 3), at(6, 100)] });
  const ids = ["sums", "late", DEAD_LETTERS].map((sink) => [...rig.sinks.get(sink)!.distinct().keys()]);
  expect(ids.map(({ length }) => length)).toEqual([2, 2, 1]);
  const prefix = "events-pipeline:0:events:events.0:shardId-000000000000@1#";
  expect(ids.flat().toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `${prefix}${n}`));
});

describe("X7: an output that its sink refuses for good is a dead letter, and the turn succeeds", () => {
  const refusing: SinkWriter = {
    deliver: async (items) =>
      items.filter(({ body }) => body.includes('"b"')).map((delivery) => ({ delivery, message: "no such column" })),
  };
  const records = [
    record(1, { key: "a", time: 1, value: 1 }),
    record(2, { key: "b", time: 2, value: 1 }),
    record(3, { key: "a", time: 50, value: 1 }),
  ];

  test("it says which output, of which sink, and why, under an id of its own", async () => {
    const rig = new Rig(eventsPipeline());
    const task = rig.task({ wrapSink: (name, sink) => (name === "sums" ? refusing : sink) });
    await task.turn({ kind: "records", records });
    const id = "events-pipeline:0:events:events.0:shardId-000000000000@1#1";
    expect(rig.deadLetters()).toMatchObject([
      {
        id: `${id}!refused`,
        kind: "output",
        operator: "sums",
        reason: { code: "sink/refused", message: "no such column" },
        output: { sink: "sums", id, body: expect.stringContaining('"key":"b"') },
      },
    ]);
    // It counts as delivered: nothing comes again.
    await rig.task().turn({ kind: "records", records });
    expect(rig.reports.at(-1)).toMatchObject({ redeliveries: 0 });
  });

  test("while its dead letter cannot be sent, it is not delivered", async () => {
    const rig = new Rig(eventsPipeline());
    const wrapSink = (name: string, sink: SinkWriter) => (name === "sums" ? refusing : sink);
    const broken = rig.task({ wrapSink: (name, sink) => (name === DEAD_LETTERS ? DOWN : wrapSink(name, sink)) });
    await expect(broken.turn({ kind: "records", records })).rejects.toThrow("sums (down)");
    await rig.task({ wrapSink }).turn({ kind: "records", records });
    expect(rig.deadLetters()).toMatchObject([{ kind: "output" }]);
  });
});

test("X7: a row that is larger than its sink takes is a dead letter in the commit, before the sink sees it", async () => {
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: {},
    idle: "never",
    maxFuture: "unbounded",
  });
  const texts = ["small", "x".repeat(MAX_RECORD_BYTES), "€".repeat(Math.ceil(MAX_RECORD_BYTES / 3)), "last"];
  const flow = pipeline("rows", (start) => {
    start
      .from(events)
      .map("grow", (e) => ({ text: texts[e.value]! }))
      .to(lake("out", { text }));
  });
  const rig = new Rig(flow);
  const records = texts.map((_, i) => record(i + 1, { key: "a", time: 1, value: i }));
  await rig.task().turn({ kind: "records", records });
  expect(rig.rows("out")).toEqual([{ text: "small" }, { text: "last" }]);
  expect(rig.deadLetters()).toMatchObject(
    ["2", "3"].map((sequence) => ({
      kind: "record",
      operator: "out",
      reason: { code: "sink/too-large" },
      position: { sequence },
    })),
  );
  expect(rig.reports.at(-1)).toMatchObject({ outputs: 4 });
});
