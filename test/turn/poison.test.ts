import { count, custom, double, kinesis, lake, max, pipeline, sum, text, timestamp, tumbling, bigint } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

const good = (sequence: number, time = 5) => record(sequence, { key: "a", time, value: 1 });
const raw = (sequence: number, bytes: Buffer | string) =>
  record(sequence, {}, { key: "a", raw: Buffer.from(bytes as string) });
const nested = (depth: number) => `{"key":"a","time":5,"value":1,"extra":${"[".repeat(depth)}${"]".repeat(depth)}}`;

describe("X7: a record that cannot be processed is a dead letter, and its neighbours do not notice", () => {
  const cases: [name: string, bad: ReturnType<typeof record>, code: string][] = [
    ["invalid base64", { ...good(50), base64: "e30$" }, "kinesis/base64"],
    ["base64 cut short", { ...good(50), base64: "e3" }, "kinesis/base64"],
    ["invalid UTF-8", raw(50, Buffer.from([0x7b, 0xff, 0x7d])), "json/utf-8"],
    ["UTF-8 cut within a character", raw(50, Buffer.from('"é"').subarray(0, 2)), "json/utf-8"],
    ["not JSON", raw(50, "{key: 1}"), "json/syntax"],
    ["empty, which is null", raw(50, ""), "schema/mismatch"],
    ["a byte order mark", raw(50, "\uFEFF{}"), "json/syntax"],
    ["two objects", raw(50, '{"key":"a"}{"key":"b"}'), "json/syntax"],
    ["NaN", raw(50, '{"key":"a","time":NaN,"value":1}'), "json/syntax"],
    ["null", raw(50, "null"), "schema/mismatch"],
    ["a string of 1 MB", raw(50, JSON.stringify("x".repeat(1_000_000))), "schema/mismatch"],
    ["wrong schema", record(50, { key: "a", time: "5", value: 1 }), "schema/mismatch"],
    ["a number too large to be one", raw(50, '{"key":"a","time":5,"value":1e999}'), "schema/mismatch"],
    ["nesting 10,000 deep", raw(50, nested(10_000)), "json/depth"],
    ["nesting 10,000 deep and never closed", raw(50, "[".repeat(10_000)), "json/depth"],
    ["a __proto__ key", raw(50, '{"key":"a","time":5,"value":1,"__proto__":{"value":9}}'), "json/forbidden-key"],
    ["an escaped __proto__ key", raw(50, '{"key":"a","time":5,"value":1,"\\u005f_proto__":{}}'), "json/forbidden-key"],
    ["a wrong partition key", record(50, { key: "a", time: 5, value: 1 }, { key: "b" }), "kinesis/partition-key"],
    ["a time with a fraction", record(50, { key: "a", time: 5.5, value: 1 }), "time/instant"],
    ["a time no Date can hold", record(50, { key: "a", time: 9e15, value: 1 }), "time/instant"],
  ];
  for (const [name, bad, code] of cases) {
    test(name, async () => {
      const rig = new Rig(eventsPipeline());
      await rig.task().turn({ kind: "records", records: [good(1), bad, good(99)] });
      await rig.task().turn({ kind: "drain" });
      expect(rig.rows<SumRow>("sums")).toMatchObject([{ key: "a", events: 2, total: 2 }]);
      const letters = rig.deadLetters();
      expect(letters).toHaveLength(1);
      expect(letters[0]).toMatchObject({
        kind: "record",
        operator: "events",
        pipeline: "events-pipeline",
        partition: "shardId-000000000000",
        position: { sequence: "50", index: 0 },
        arrival: 1_000_000,
        reason: { code },
        payload: bad.base64,
      });
      expect((await rig.counters()).get("events")).toMatchObject({ in: 3, dead: 1 });
      expect(JSON.stringify(letters[0]!.reason)).not.toContain("xxxx"); // the reason never quotes the payload
    });
  }
});

describe("what looks odd and is valid is folded", () => {
  const cases: [name: string, odd: ReturnType<typeof record>][] = [
    ["a constructor key", raw(50, '{"key":"a","time":5,"value":1,"constructor":{"prototype":{}}}')],
    ["__proto__ as a value", record(50, { key: "__proto__", time: 5, value: 1 })],
    ["constructor as a key's value", record(50, { key: "constructor", time: 5, value: 1 })],
    ["nesting 250 deep", raw(50, nested(250))],
    ["brackets within a string", raw(50, JSON.stringify({ key: "a", time: 5, value: 1, extra: "[".repeat(1_000) }))],
    ["a lone surrogate escaped where nobody reads it", raw(50, '{"key":"a","time":5,"value":1,"extra":"\\ud800"}')],
  ];
  for (const [name, odd] of cases) {
    test(name, async () => {
      const rig = new Rig(eventsPipeline());
      await rig.task().turn({ kind: "records", records: [good(1), odd] });
      await rig.task().turn({ kind: "drain" });
      expect(rig.deadLetters()).toEqual([]);
      expect(rig.rows<SumRow>("sums").reduce((n, { events }) => n + events, 0)).toBe(2);
      expect(({} as Record<string, unknown>)["value"]).toBeUndefined();
    });
  }

  test("a time before 1970 has its window", async () => {
    const rig = new Rig(eventsPipeline());
    await rig.task().turn({ kind: "records", records: [good(1, -1)] });
    await rig.task().turn({ kind: "drain" });
    expect(rig.rows<SumRow>("sums")).toMatchObject([{ window_start: -10, window_end: 0 }]);
  });
});

test("a record from the future is a dead letter and does not drag the watermark", async () => {
  const rig = new Rig(eventsPipeline({ maxFuture: { millis: 100 } }));
  const arrival = 1_000;
  const at = (sequence: number, time: number) => record(sequence, { key: "a", time, value: 1 }, { arrival });
  await rig
    .task()
    .turn({ kind: "records", records: [at(1, 1_000), at(2, 1_101), at(3, 8_000_000), at(4, 999), at(5, 1_100)] });
  expect(rig.deadLetters().map(({ position, reason }) => [position?.sequence, reason.code])).toEqual([
    ["2", "time/future"],
    ["3", "time/future"],
  ]);
  expect(rig.reports.at(-1)!.watermark).toBe(1_095);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 3, late: 0 });
});

test("user code that throws has no effect at all, in any branch before it, state changed in place included", async () => {
  const events = kinesis("events", {
    schema: z.object({ key: z.string(), time: z.number(), value: z.number() }),
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: {},
  });
  const seen = lake("seen", { key: text, windowStart: timestamp, windowEnd: timestamp, list: text });
  const totals = lake("totals", { key: text, windowStart: timestamp, windowEnd: timestamp, n: bigint });
  const each = lake("each", { key: text, value: double });
  const flow = pipeline("branches", (start) => {
    const stream = start.from(events);
    stream.byKey
      .window("counts", tumbling({ millis: 10 }))
      .aggregate({ n: count() })
      .to(totals);
    stream.map("slim", ({ key, value }) => ({ key, value })).to(each);
    stream.byKey
      .window("lists", tumbling({ millis: 10 }))
      .aggregate({
        list: custom<{ value: number }, number[], string>({
          state: z.array(z.number()),
          init: () => [],
          add: (list, { value }) => {
            list.push(value); // in place, and only then it throws
            if (value === 13) throw new Error("unlucky");
            return list;
          },
          merge: (a, b) => [...a, ...b],
          result: (list) => list.join(),
        }),
      })
      .to(seen);
  });
  const rig = new Rig(flow);
  const values = [1, 13, 2, 13, 3];
  await rig
    .task()
    .turn({ kind: "records", records: values.map((value, i) => record(i + 1, { key: "a", time: 1, value })) });
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows("seen")).toMatchObject([{ list: "1,2,3" }]);
  expect(rig.rows("totals")).toMatchObject([{ n: 3 }]);
  expect(rig.rows("each")).toMatchObject([{ value: 1 }, { value: 2 }, { value: 3 }]);
  expect(
    rig
      .deadLetters()
      .map(({ operator, reason, position }) => [operator, reason.code, reason.message, position?.sequence]),
  ).toEqual([
    ["lists", "user-code/threw", "unlucky", "2"],
    ["lists", "user-code/threw", "unlucky", "4"],
  ]);
});

test("a closing window whose code throws dead-letters that pane, not the record that closed it", async () => {
  const events = kinesis("events", {
    schema: z.object({ key: z.string(), time: z.number(), value: z.number() }),
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: {},
  });
  const out = lake("out", { key: text, windowStart: timestamp, windowEnd: timestamp, most: double });
  const flow = pipeline("panes", (start) => {
    start
      .from(events)
      .byKey.window("tens", tumbling({ millis: 10 }))
      .aggregate({ most: max((e) => e.value) })
      .map("check", (row) => {
        if (row.most > 9) throw new Error("too much");
        return row;
      })
      .to(out);
  });
  const rig = new Rig(flow);
  const at = (sequence: number, key: string, time: number, value: number) => record(sequence, { key, time, value });
  await rig
    .task()
    .turn({ kind: "records", records: [at(1, "a", 1, 5), at(2, "b", 2, 10), at(3, "c", 3, 7), at(4, "a", 25, 1)] });
  await rig.task().turn({ kind: "drain" });
  expect(
    rig.rows<{ key: string; window_start: number }>("out").map(({ key, window_start }) => [key, window_start]),
  ).toEqual([
    ["a", 0],
    ["c", 0],
    ["a", 20],
  ]);
  expect(rig.deadLetters()).toMatchObject([
    {
      kind: "pane",
      operator: "check",
      unit: { key: { key: "b" }, about: { start: 0, end: 10 } },
      reason: { message: "too much" },
    },
  ]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 4, dead: 1, closed: 4 });
});

test("NaN from user code never reaches an accumulator", async () => {
  const events = kinesis("events", {
    schema: z.object({ key: z.string(), time: z.number(), text: z.string() }),
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: {},
  });
  const out = lake("out", { key: text, windowStart: timestamp, windowEnd: timestamp, total: double });
  const rig = new Rig(
    pipeline("nan", (start) => {
      start
        .from(events)
        .byKey.window("tens", tumbling({ millis: 10 }))
        .aggregate({ total: sum((e) => Number(e.text)) })
        .to(out);
    }),
  );
  const at = (sequence: number, value: string) => record(sequence, { key: "a", time: 1, text: value });
  await rig.task().turn({ kind: "records", records: [at(1, "1"), at(2, "x"), at(3, "Infinity"), at(4, "2")] });
  await rig.task().turn({ kind: "drain" });
  expect(rig.rows("out")).toMatchObject([{ total: 3 }]);
  expect(rig.deadLetters().map(({ reason }) => reason.code)).toEqual(["aggregate/not-finite", "aggregate/not-finite"]);
});

describe("X10: systemic poison fails the batch, and nothing drains into the queue", () => {
  const bad = (sequence: number) => raw(sequence, "broken");
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  test("a bad deploy blocks; after the fix all is folded", async () => {
    const strict = eventsPipeline();
    const rig = new Rig(strict);
    await rig.task().turn({ kind: "records", records: range(1, 300).map((n) => good(n)) });
    const batch = range(301, 600).map(bad);
    for (let retry = 0; retry < 3; retry++) {
      await expect(rig.task().turn({ kind: "records", records: batch })).rejects.toMatchObject({
        kind: "systemic",
        code: "poison/systemic",
      });
    }
    expect(rig.deadLetters()).toEqual([]);
    // "The fix": the same positions decode now.
    await rig.task().turn({ kind: "records", records: range(301, 600).map((n) => good(n)) });
    await rig.task().turn({ kind: "drain" });
    expect((await rig.counters()).get("events")).toMatchObject({ in: 600, dead: 0 });
  });

  test("however batches are cut, it blocks before half of the last thousand are dead letters", async () => {
    for (const size of [1, 7, 99]) {
      const rig = new Rig(eventsPipeline());
      await rig.task().turn({ kind: "records", records: range(1, 1_000).map((n) => good(n)) });
      const task = rig.task();
      let failed = false;
      for (let from = 1_001; from < 2_100 && !failed; from += size) {
        await task.turn({ kind: "records", records: range(from, from + size - 1).map(bad) }).catch((error: unknown) => {
          expect(error).toMatchObject({ kind: "systemic" });
          failed = true;
        });
      }
      expect(failed).toBe(true);
      expect(rig.deadLetters().length).toBeLessThanOrEqual(500);
    }
  });

  test("a minority of poison among many drains, record by record", async () => {
    const rig = new Rig(eventsPipeline());
    const batch = range(1, 1_000).map((n) => (n % 3 === 0 ? bad(n) : good(n)));
    await rig.task().turn({ kind: "records", records: batch });
    expect(rig.deadLetters()).toHaveLength(333);
  });

  test("fewer than a hundred records are not judged", async () => {
    const rig = new Rig(eventsPipeline());
    await rig.task().turn({ kind: "records", records: range(1, 99).map(bad) });
    expect(rig.deadLetters()).toHaveLength(99);
  });

  test("consent to any share drains everything", async () => {
    const rig = new Rig(eventsPipeline({ share: 1 }));
    await rig.task().turn({ kind: "records", records: range(1, 500).map(bad) });
    expect(rig.deadLetters()).toHaveLength(500);
  });

  test("an asynchronous schema is no record's fault", async () => {
    const events = kinesis("events", {
      schema: z.object({ key: z.string() }).refine(async () => true),
      key: { key: (e) => e.key },
      eventTime: () => 1,
      disorder: {},
    });
    const rig = new Rig(pipeline("async", (start) => start.from(events).to(lake("out", { key: text }))));
    await expect(rig.task().turn({ kind: "records", records: [record(1, { key: "a" })] })).rejects.toMatchObject({
      kind: "systemic",
    });
    expect(rig.deadLetters()).toEqual([]);
  });
});

test("X6: a record below the position that arrived later than all that was folded stops the task", async () => {
  const rig = new Rig(eventsPipeline());
  await rig.task().turn({ kind: "records", records: [good(500), good(501)] });
  const recreated = record(3, { key: "a", time: 5, value: 1 }, { arrival: 1_000_001 });
  await expect(rig.task().turn({ kind: "records", records: [recreated] })).rejects.toMatchObject({
    kind: "systemic",
    code: "source/recreated",
  });
  // What was folded and comes again is no such thing.
  await rig.task().turn({ kind: "records", records: [good(500), good(501)] });
});
