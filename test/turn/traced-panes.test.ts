import {
  collect,
  countWindow,
  cumulative,
  globalWindow,
  hopping,
  kinesis,
  lake,
  pipeline,
  session,
  sliding,
  text,
  tumbling,
  windows,
  type Pipeline,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Span } from "../../lib/runtime/observer.ts";
import { pathsOf } from "../../lib/runtime/trace-paths.ts";
import { HeldTraces } from "../../lib/state/held-traces.ts";
import { Journal } from "../../lib/state/journal.ts";
import { MOST_TRACES } from "../../lib/state/traceparent.ts";
import { record, Rig } from "../support/rig.ts";
import { traceIdOf, traceparentOf } from "../support/traceparents.ts";

const event = z.object({ key: z.string(), time: z.number(), n: z.number(), trace: z.string().optional() });
type Event = z.infer<typeof event>;

const events = kinesis("events", {
  schema: event,
  key: { key: (one) => one.key },
  eventTime: (one) => one.time,
  disorder: { millis: 5 },
  idle: "never",
  maxFuture: "unbounded",
  trace: (one) => one.trace,
});

const rows = lake("rows", { key: text, ids: text });

type Windows = Parameters<typeof build>[0];

function build(assigner: ReturnType<typeof tumbling>, options: object = {}, name = "w"): Pipeline {
  return pipeline("panes", (flow) => {
    flow
      .from(events)
      .byKey.window(name, assigner, options)
      .aggregate({ list: collect((one) => one.n, { max: 1_000 }) })
      .map("slim", ({ key, list }) => ({ key, ids: list.join() }))
      .to(rows);
  });
}

const ten = { millis: 10 };
const KINDS: readonly (readonly [name: string, pipeline: Pipeline])[] = (
  [
    ["tumbling", tumbling(ten)],
    ["tumbling, with late records", tumbling(ten), { allowedLateness: ten }],
    ["hopping", hopping({ size: ten, every: { millis: 4 } })],
    ["cumulative", cumulative({ size: { millis: 12 }, step: { millis: 4 } })],
    ["custom", windows({ version: 1, assign: (time) => [{ start: time - (time % 7), end: time - (time % 7) + 7 }] })],
    ["sessions", session({ gap: { millis: 4 } })],
    ["sliding", sliding({ preceding: ten })],
    ["sliding, with late records", sliding({ preceding: ten }), { allowedLateness: ten }],
    ["so many records", countWindow(3)],
    ["everything", globalWindow()],
    ["tumbling, early too", tumbling(ten), { trigger: { early: { records: 2 } } }],
    ["sessions, early too", session({ gap: { millis: 4 } }), { trigger: { early: { records: 2 } } }],
    ["tumbling, late too", tumbling(ten), { trigger: { late: "onUpdate" }, allowedLateness: ten }],
  ] as unknown as readonly (readonly [string, Windows, object?])[]
).map(([name, assigner, options]) => [name, build(assigner, options)] as const);

/** Keys, how much later than the one before, and whether it is traced. */
const draws = fc.array(fc.tuple(fc.nat(2), fc.integer({ min: -6, max: 6 }), fc.boolean()), { maxLength: 24 });

const inputOf = (drawn: readonly (readonly [number, number, boolean])[]): Event[] => {
  let time = 100;
  return drawn.map(([key, step, isTraced], i) => {
    time += step;
    return { key: `k${key}`, time, n: i + 1, ...(isTraced && { trace: traceparentOf(i + 1) }) };
  });
};

/** @param isCold whether each batch finds a process that knows nothing */
async function run(traced: Pipeline, input: readonly Event[], size: number, isCold = false): Promise<Rig> {
  const rig = new Rig(traced);
  let task = rig.task();
  for (let i = 0; i < input.length; i += size) {
    if (isCold) task = rig.task();
    await task.turn({ kind: "records", records: input.slice(i, i + size).map((one, j) => record(i + j + 1, one)) });
  }
  await task.turn({ kind: "drain" });
  return rig;
}

const commits = (spans: readonly Span[]) => spans.filter(({ name }) => name === "commit");

describe.each(KINDS)("%s", (_, traced) => {
  test("a row has the traces of the records in it, and no others; when all are closed none is remembered", async () => {
    await fc.assert(
      fc.asyncProperty(draws, fc.integer({ min: 1, max: 8 }), async (drawn, size) => {
        const input = inputOf(drawn);
        const rig = await run(traced, input, size);
        const found = new Map<string, Set<string>>();
        const isWhole = commits(rig.spans).every(({ links }) =>
          links!.every(({ attributes }) => !("millrace.outputs.dropped" in attributes)),
        );
        fc.pre(isWhole); // what is told of a link is bounded
        for (const { traceId, steps } of pathsOf(rig.spans)) {
          for (const id of steps.flatMap(({ outputs }) => outputs["rows"] ?? [])) {
            found.set(id, (found.get(id) ?? new Set()).add(traceId));
          }
        }
        for (const { id, body } of rig.sinks.get("rows")!.received) {
          const { ids } = JSON.parse(body) as { ids: string };
          const inRow = ids.split(",").map(Number);
          const expected = inRow.filter((n) => input[n - 1]!.trace !== undefined).map(traceIdOf);
          expect([...(found.get(id) ?? [])].sort()).toEqual(expected.sort());
        }
        expect(await rig.header()).not.toHaveProperty("traces");
      }),
      { numRuns: 40 },
    );
  });

  test("a process that knows nothing tells the same spans as one that knows all", async () => {
    await fc.assert(
      fc.asyncProperty(draws, fc.integer({ min: 1, max: 8 }), async (drawn, size) => {
        const input = inputOf(drawn);
        const [warm, cold] = [await run(traced, input, size), await run(traced, input, size, true)];
        expect(commits(cold.spans)).toEqual(commits(warm.spans));
      }),
      { numRuns: 15 },
    );
  });
});

test("a task remembers so many traces, and the oldest give way", async () => {
  const rig = new Rig(KINDS[0]![1]);
  const extra = 7;
  const input = Array.from({ length: MOST_TRACES + extra }, (_, i) => ({
    key: `k${i % 3}`,
    time: 100,
    n: i + 1,
    trace: traceparentOf(i + 1),
  }));
  await rig.task().turn({ kind: "records", records: input.map((one, i) => record(i + 1, one)) });
  const { traces } = (await rig.header())!;
  expect(traces!.map(([, , , , trace]) => trace)).toEqual(input.slice(extra).map(({ trace }) => trace));
});

test("a record that fails further on leaves nothing to remember", async () => {
  const failing = pipeline("failing", (flow) => {
    const all = flow.from(events);
    all.byKey
      .window("w", tumbling(ten))
      .aggregate({ list: collect((one) => one.n, { max: 10 }) })
      .map("slim", ({ key }) => ({ key, ids: "" }))
      .to(rows);
    all
      .map("fails", (): { key: string; ids: string } => {
        throw new Error("no");
      })
      .to(lake("never", { key: text, ids: text }));
  });
  const rig = new Rig(failing);
  await rig
    .task()
    .turn({ kind: "records", records: [record(1, { key: "a", time: 100, n: 1, trace: traceparentOf(1) })] });
  expect(rig.deadLetters()).toHaveLength(1);
  expect(await rig.header()).not.toHaveProperty("traces");
});

test("what an operator remembers goes with it: under another name, and with its end", async () => {
  const traced = { key: "a", time: 100, n: 1, trace: traceparentOf(1) };
  const change = async (next: Pipeline) => {
    const rig = new Rig(build(tumbling(ten)));
    await rig.task().turn({ kind: "records", records: [record(1, traced)] });
    rig.deploy(next, "next");
    await rig.task().turn({ kind: "records", records: [record(2, { key: "a", time: 101, n: 2 })] });
    return (await rig.header())!.traces;
  };
  expect(await change(build(tumbling(ten)))).toEqual([["w", "sa", 100, 110, traced.trace]]);
  expect(await change(build(tumbling(ten), { was: ["w"] }, "v"))).toEqual([["v", "sa", 100, 110, traced.trace]]);
  const without = pipeline(
    "panes",
    (flow) => {
      flow
        .from(events)
        .map("slim", ({ key }) => ({ key, ids: "" }))
        .to(rows);
    },
    { dropped: ["w"] },
  );
  expect(await change(without)).toBe(undefined);
});

test("one trace of one record is remembered once, until the last of its windows", () => {
  const held = new HeldTraces(new Journal());
  const traces = [traceparentOf(1)];
  held.hold("w", "a", 5, 10, traces);
  held.hold("w", "a", 5, 30, traces);
  held.hold("w", "a", 5, 20, traces);
  expect(held.snapshot()).toEqual([["w", "a", 5, 30, traces[0]]]);
  held.forget("w", 29);
  expect(held.of("w", "a", { start: 5, end: 6 })).toEqual(traces);
  expect(held.of("w", "a", { start: 0, end: 5 })).toEqual([]);
  expect(held.of("w", "b", { start: 0, end: 9 })).toEqual([]);
  held.forget("w", 30);
  expect(held.snapshot()).toEqual([]);
});
