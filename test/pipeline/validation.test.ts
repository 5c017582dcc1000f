import { bool, count, custom, double, kinesis, lake, pipeline, text, timestamp, tumbling, type Flow } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { planStages } from "../../lib/plan/stage.ts";

const schema = z.object({ key: z.string(), time: z.number() });
const source = (name = "events") =>
  kinesis(name, { schema, key: { key: (e) => e.key }, eventTime: (e) => e.time, disorder: {} });
const sink = (name = "out") => lake(name, { key: text, time: timestamp });
const windows = (name = "windows") =>
  lake(name, { key: text, windowStart: timestamp, windowEnd: timestamp, n: double });
const build = (make: (flow: Flow) => void) => () => pipeline("p", make);

describe("building a pipeline refuses what cannot run, and names the operator", () => {
  const cases: [name: string, make: () => unknown, message: RegExp][] = [
    [
      "two operators of one name",
      build((f) =>
        f
          .from(source())
          .filter("a", () => true)
          .filter("a", () => true)
          .to(sink()),
      ),
      /two of its parts are named "a".*Give|two of its parts are named "a"/,
    ],
    [
      "an operator named like a sink",
      build((f) =>
        f
          .from(source())
          .filter("out", () => true)
          .to(sink()),
      ),
      /named "out"/,
    ],
    ["one source twice", build((f) => (f.from(source()).to(sink()), f.from(source()).to(sink("b")))), /named "events"/],
    [
      "a metric with a unit that is none",
      build((f) => void f.from(source()).metric("m", { unit: "Furlongs" as never })),
      /metric\("m"\)\.unit is "Furlongs"\..*Count/,
    ],
    [
      "a metric whose dimension lists no values",
      build((f) => void f.from(source()).metric("m", { dimensions: { key: { of: (e) => e.key, values: [] } } })),
      /metric\("m"\)\.dimensions\.key lists no values/,
    ],
    [
      "a metric whose dimension lists what all others are",
      build((f) => void f.from(source()).metric("m", { dimensions: { key: { of: (e) => e.key, values: ["other"] } } })),
      /dimensions\.key lists "other"/,
    ],
    [
      "a metric with a dimension of the deployment's",
      build(
        (f) => void f.from(source()).metric("m", { dimensions: { pipeline: { of: (e) => e.key, values: ["a"] } } }),
      ),
      /dimensions\.pipeline has a name that is taken/,
    ],
    [
      "a metric of too many combinations",
      build((f) => {
        const values = Array.from({ length: 10 }, (_, i) => `v${i}`);
        const by = { of: (e: { key: string }) => e.key, values };
        f.from(source()).metric("m", { dimensions: { one: by, two: by } });
      }),
      /metric\("m"\) has 2 dimensions with 121 combinations.*At most 28 and 100/,
    ],
    [
      "a stream that leads nowhere",
      build((f) => void f.from(source()).filter("lost", () => true)),
      /"lost" leads nowhere/,
    ],
    [
      "a window whose rows lead nowhere",
      build(
        (f) =>
          void f
            .from(source())
            .byKey.window("w", tumbling({ days: 1 }))
            .aggregate({ n: count() })
            .late.to(sink()),
      ),
      /"w" has rows that lead nowhere/,
    ],
    ["an empty pipeline", build(() => undefined), /it is empty/],
    [
      "a bad operator name",
      build((f) =>
        f
          .from(source())
          .filter("no spaces", () => true)
          .to(sink()),
      ),
      /a filter cannot be named "no spaces"/,
    ],
    [
      "a window without aggregates",
      build(
        (f) =>
          void f
            .from(source())
            .byKey.window("w", tumbling({ days: 1 }))
            .aggregate({}),
      ),
      /window\("w"\).aggregate has no aggregate/,
    ],
    [
      "a field named __proto__",
      build((f) =>
        f
          .from(source())
          .byKey.window("w", tumbling({ days: 1 }))
          .aggregate({ ["__proto__"]: count() } as never)
          .to(windows() as never),
      ),
      /__proto__/,
    ],
    [
      "negative lateness",
      build((f) =>
        f
          .from(source())
          .byKey.window("w", tumbling({ days: 1 }), { allowedLateness: { hours: -1 } })
          .aggregate({ n: count() })
          .to(windows()),
      ),
      /window "w": allowedLateness: .*hours: -1/,
    ],
    [
      "a keyBy that leads nowhere",
      build((f) => void f.from(source()).keyBy("by-time", { time: (e) => e.time })),
      /"by-time" leads nowhere/,
    ],
    [
      "a keyBy without a function",
      build((f) => void f.from(source()).keyBy("by-time", { time: 3 as never })),
      /keyBy\("by-time.time"\) was not given a function/,
    ],
    [
      "a split without branches",
      build((f) => void f.from(source()).split("by-size", {})),
      /split\("by-size"\) has no branch/,
    ],
    [
      "a union with what is no stream",
      build((f) => void f.from(source()).union("all", {} as never)),
      /union\("all"\) was not given a stream/,
    ],
    [
      "byKey after a union of two sources",
      build((f) => void f.from(source()).union("all", f.from(source("b"))).byKey),
      /byKey after "all" was asked of a union of streams that are partitioned each for itself/,
    ],
    [
      "a poison share of nothing",
      () => pipeline("p", (f) => f.from(source()).to(sink()), { poison: { share: 0 } }),
      /poison share 0/,
    ],
    [
      "a bad pipeline name",
      () => pipeline("a:b", (f) => f.from(source()).to(sink())),
      /A pipeline cannot be named "a:b"/,
    ],
    ["a source with a bad name", () => source("a/b"), /A kinesis source cannot be named/],
    [
      "a disorder that is no duration",
      () => kinesis("k", { schema, eventTime: () => 0, disorder: { weeks: 1 } as never }),
      /kinesis\("k"\).disorder: .*unit "weeks"/,
    ],
    [
      "a fractional disorder",
      () => kinesis("k", { schema, eventTime: () => 0, disorder: { hours: 1.5 } }),
      /hours: 1.5/,
    ],
    [
      "no schema",
      () => kinesis("k", { schema: {} as never, eventTime: () => 0, disorder: {} }),
      /not a Standard Schema/,
    ],
    [
      "a key without fields",
      () => kinesis("k", { schema, key: {}, eventTime: () => 0, disorder: {} }),
      /the key has no field/,
    ],
    [
      "an idle of zero",
      () => kinesis("k", { schema, eventTime: () => 0, disorder: {}, idle: {} }),
      /kinesis\("k"\).idle/,
    ],
    ["windows of zero length", () => tumbling({}), /tumbling\(\) size/],
    [
      "an offset of a whole window",
      () => tumbling({ hours: 1 }, { offset: { hours: 1 } }),
      /offset of 3600000 ms is not less/,
    ],
    ["a lake in capitals", () => lake("Out", { a: text }), /lower case/],
    ["columns that collide in snake case", () => lake("out", { aB: text, a_b: bool }), /two columns are named a_b/],
    ["a column named like the output id", () => lake("out", { outputId: text }), /two columns are named output_id/],
    [
      "a custom aggregate of version 0",
      () => custom({ version: 0, state: z.number(), init: () => 0, add: (a) => a, merge: (a) => a, result: (a) => a }),
      /version 0/,
    ],
  ];
  for (const [name, make, message] of cases) {
    test(name, () => {
      expect(make).toThrow(message);
      expect(make).toThrow(expect.objectContaining({ kind: "definition" }));
    });
  }
});

test("a pipeline is plain data with stable names, in the order of its graph", () => {
  const one = pipeline("p", (f) => {
    const w = f
      .from(source())
      .filter("some", () => true)
      .byKey.window("w", tumbling({ days: 1 }))
      .aggregate({ n: count() });
    w.to(windows());
    w.late.to(sink("late"));
  });
  expect(one.nodes.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "source events",
    "filter some",
    "window w",
    "sink windows",
    "side w.late",
    "sink late",
  ]);
});

test("late streams that nobody reads are no part of the pipeline", () => {
  const one = pipeline("p", (f) =>
    f
      .from(source())
      .byKey.window("w", tumbling({ days: 1 }))
      .aggregate({ n: count() })
      .to(windows()),
  );
  expect(one.nodes.map(({ name }) => name)).toEqual(["events", "w", "windows"]);
});

test("two sources are two stages, each with its own nodes", () => {
  const one = pipeline("p", (f) => {
    f.from(source("a"))
      .filter("fa", () => true)
      .to(sink("sa"));
    f.from(source("b")).to(sink("sb"));
  });
  expect(planStages(one).map(({ name, nodes, sinks }) => [name, nodes.length, sinks.map((s) => s.name)])).toEqual([
    ["a", 3, ["sa"]],
    ["b", 2, ["sb"]],
  ]);
});
