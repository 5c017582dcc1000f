import { bigint, count, custom, kinesis, lake, mean, pipeline, text, timestamp, tumbling, type Flow } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { decodeBody } from "../../lib/state/codec.ts";
import { record, Rig } from "../support/rig.ts";

const schema = z.object({ key: z.string(), time: z.number(), value: z.number() });
const events = kinesis("events", { schema, key: { key: (e) => e.key }, eventTime: (e) => e.time, disorder: {} });
const each = lake("each", { key: text });
const at = (sequence: number, time: number, value: number, key = "a") => record(sequence, { key, time, value });

const throwing = (make: () => unknown) =>
  new Rig(
    pipeline("odd", (flow: Flow) => {
      flow
        .from(events)
        .map("odd", (e) => {
          if (e.value === 13) throw make();
          return { key: e.key };
        })
        .to(each);
    }),
  );

describe("X7: whatever user code throws, it is that record's dead letter", () => {
  const odd: [name: string, make: () => unknown][] = [
    ["nothing", () => undefined],
    ["an object without prototype", () => Object.create(null) as unknown],
    ["an error whose message is an object", () => Object.assign(new Error(), { message: { a: 1 } })],
    [
      "an object whose toString throws",
      () => ({
        toString() {
          throw new Error("no");
        },
        toJSON() {
          throw new Error("no");
        },
      }),
    ],
    ["a symbol", () => Symbol("s")],
    [
      "a cycle",
      () => {
        const cycle: Record<string, unknown> = {};
        cycle["self"] = cycle;
        return cycle;
      },
    ],
    [
      "an error of a setting made while folding",
      () => {
        try {
          tumbling({ millis: -1 });
        } catch (error) {
          return error;
        }
        return undefined;
      },
    ],
  ];
  for (const [name, make] of odd) {
    test(name, async () => {
      const rig = throwing(make);
      await rig.task().turn({ kind: "records", records: [at(1, 1, 1), at(2, 2, 13), at(3, 3, 1)] });
      expect(rig.rows("each")).toHaveLength(2);
      expect(rig.deadLetters()).toMatchObject([{ operator: "odd", position: { sequence: "2" } }]);
      expect(typeof rig.deadLetters()[0]!.reason.message).toBe("string");
    });
  }
});

describe("X10: an asynchronous function is no record's fault", () => {
  const asynchronous: [name: string, build: (flow: Flow) => void][] = [
    [
      "map",
      (flow) =>
        flow
          .from(events)
          .map("f", async () => ({ key: "a" }) as never)
          .to(each as never),
    ],
    [
      "a map that rejects",
      (flow) =>
        flow
          .from(events)
          .map("f", () => Promise.reject(new Error("late")) as never)
          .to(each as never),
    ],
    [
      "filter",
      (flow) =>
        flow
          .from(events)
          .filter("f", (async () => true) as never)
          .map("g", ({ key }) => ({ key }))
          .to(each as never),
    ],
    [
      "flatMap",
      (flow) =>
        flow
          .from(events)
          .flatMap("f", () => [Promise.resolve({ key: "a" })] as never)
          .to(each as never),
    ],
  ];
  for (const [name, build] of asynchronous) {
    test(name, async () => {
      const rig = new Rig(pipeline("asynchronous", build));
      await expect(rig.task().turn({ kind: "records", records: [at(1, 1, 1)] })).rejects.toMatchObject({
        kind: "systemic",
        code: "operator/asynchronous",
        message: expect.stringContaining('"f"') as string,
      });
    });
  }
});

describe("a window whose row cannot be made", () => {
  // The mean of whole numbers is not whole: it compiles, and cannot be a bigint.
  const flow = pipeline("means", (start) => {
    start
      .from(events)
      .byKey.window("tens", tumbling({ millis: 10 }))
      .aggregate({ n: count(), middle: mean((e) => e.value) })
      .to(lake("out", { key: text, windowStart: timestamp, windowEnd: timestamp, n: bigint, middle: bigint }));
  });

  test("X7: its dead letter keeps what was aggregated", async () => {
    const rig = new Rig(flow);
    await rig.task().turn({ kind: "records", records: [at(1, 1, 1), at(2, 2, 2), at(3, 30, 1)] });
    const [letter] = rig.deadLetters();
    expect(letter).toMatchObject({
      kind: "pane",
      unit: { key: { key: "a" }, about: { start: 0, end: 10 } },
      reason: { code: "lake/row" },
    });
    const body = Buffer.from(letter!.unit!.content, "base64");
    expect(decodeBody(body, letter!.unit!.codec, "the letter")).toEqual([2, [2, 3, 0]]);
  });

  test("X10: a build that fails on most windows stops the task, and drains none", async () => {
    const rig = new Rig(flow);
    const keys = Array.from({ length: 150 }, (_, i) => `k${i}`);
    const two = keys.flatMap((key, i) => [at(2 * i + 1, 1, 1, key), at(2 * i + 2, 2, 2, key)]);
    await rig.task().turn({ kind: "records", records: two });
    await expect(rig.task().turn({ kind: "records", records: [at(1_000, 50, 1)] })).rejects.toMatchObject({
      code: "poison/systemic",
    });
    await expect(rig.task().turn({ kind: "drain" })).rejects.toMatchObject({ code: "poison/systemic" });
    expect(rig.deadLetters()).toEqual([]);
    expect((await rig.counters()).get("events")!.in).toBe(300);
  });
});

describe("X10: after a deployment a task is judged by what the new build does", () => {
  const bad = (sequence: number) => record(sequence, {}, { key: "a", raw: Buffer.from("broken") });
  const run = (share: number) =>
    pipeline(
      "p",
      (flow) =>
        flow
          .from(events)
          .map("slim", ({ key }) => ({ key }))
          .to(each),
      { poison: { share } },
    );

  test("consent that is taken back leaves no task standing still", async () => {
    const consenting = new Rig(run(1));
    await consenting
      .task({ build: "1" })
      .turn({ kind: "records", records: Array.from({ length: 1_000 }, (_, i) => bad(i + 1)) });
    const strict = new Rig(run(0.5));
    Object.assign(strict, { changelog: consenting.changelog, objects: consenting.objects });
    for (let i = 0; i < 120; i++)
      await strict
        .task({ build: "2" })
        .turn({ kind: "records", records: [i % 60 === 0 ? bad(2_000 + i) : at(2_000 + i, 1, 1)] });
    expect((await strict.counters()).get("events")).toMatchObject({ in: 1_120, dead: 1_002 });
  });
});

describe("custom aggregates", () => {
  const keeping = (value: () => unknown) =>
    new Rig(
      pipeline("keeping", (flow) => {
        flow
          .from(events)
          .byKey.window("tens", tumbling({ millis: 10 }))
          .aggregate({
            kept: custom<unknown, unknown, string>({
              state: z.unknown(),
              init: () => null,
              add: () => value(),
              merge: (a) => a,
              result: (a) => JSON.stringify(a),
            }),
          })
          .to(lake("kept", { key: text, windowStart: timestamp, windowEnd: timestamp, kept: text }));
      }),
    );

  test("what can be stored comes back as it was, in a process that knows nothing", async () => {
    const rig = keeping(() => ({ list: [1, "two", null, { date: new Date(5) }], deep: { yes: true }, float: 0.1 }));
    await rig.task().turn({ kind: "records", records: [at(1, 1, 1)] });
    await rig.task().turn({ kind: "drain" });
    expect(rig.rows<{ kept: string }>("kept").map(({ kept }) => JSON.parse(kept) as unknown)).toEqual([
      { list: [1, "two", null, { date: "1970-01-01T00:00:00.005Z" }], deep: { yes: true }, float: 0.1 },
    ]);
  });

  const not: [name: string, value: unknown][] = [
    ["a Map", new Map()],
    ["a Set", new Set()],
    ["NaN", Number.NaN],
    ["a function", () => 1],
    ["a large bigint", 2n ** 70n],
    ["an instance", new (class Own {})()],
  ];
  for (const [name, value] of not) {
    test(`${name} cannot be stored: the record is poison, not the task`, async () => {
      const rig = keeping(() => value);
      await rig.task().turn({ kind: "records", records: [at(1, 1, 1)] });
      expect(rig.deadLetters()).toMatchObject([{ reason: { code: "state/not-storable" } }]);
    });
  }
});
