import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling, type Pipeline } from "millrace";
import { testDriver } from "millrace/testing";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MOST_OUTPUT_IDS } from "../../lib/runtime/spans.ts";
import { decodeCommit } from "../../lib/state/commit.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { MOST_TRACES } from "../../lib/state/traceparent.ts";
import { CrashPoint } from "../support/crashing.ts";
import { record, Rig } from "../support/rig.ts";
import { traceIdOf, traceparentOf, unsampled } from "../support/traceparents.ts";

const event = z.object({ key: z.string(), time: z.number(), trace: z.string().optional() });

const sourceOf = (trace: ((one: z.infer<typeof event>) => string | undefined) | undefined) =>
  kinesis("events", {
    schema: event,
    key: { key: (one) => one.key },
    eventTime: (one) => one.time,
    disorder: { millis: 5 },
    idle: "never",
    maxFuture: "unbounded",
    ...(trace && { trace }),
  });

const each = lake("each", { key: text, time: timestamp });
const rows = lake("per_ten", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint });

function pipelineOf(trace: ((one: z.infer<typeof event>) => string | undefined) | undefined): Pipeline {
  return pipeline("traced", (flow) => {
    const good = flow
      .from(sourceOf(trace))
      .filter("wanted", ({ key }) => key !== "unwanted")
      .map("failing", (one) => {
        if (one.key === "bad") throw new Error("bad");
        return one;
      });
    good.map("slim", ({ key, time }) => ({ key, time })).to(each);
    good.byKey
      .window("tens", tumbling({ millis: 10 }))
      .aggregate({ events: count() })
      .to(rows);
  });
}

const traced = pipelineOf((one) => one.trace);
const untraced = pipelineOf(undefined);

const recordOf = (n: number, one: z.infer<typeof event>) => record(n, one);

async function run(rig: Rig, batches: readonly (readonly z.infer<typeof event>[])[]): Promise<void> {
  const task = rig.task();
  let n = 0;
  for (const batch of batches) await task.turn({ kind: "records", records: batch.map((one) => recordOf(++n, one)) });
  await task.turn({ kind: "drain" });
}

async function commitsOf(rig: Rig) {
  const name = taskName(rig.idOf());
  const { commits } = await rig.changelog.newest(name, { from: 1, limit: 1_000 });
  return commits.map((stored) => ({ stored, commit: decodeCommit(stored, stored.body as Uint8Array, name) }));
}

const batchesOf = (seed: readonly number[], size: number): z.infer<typeof event>[][] => {
  const batches: z.infer<typeof event>[][] = [];
  seed.forEach((draw, i) => {
    if (i % size === 0) batches.push([]);
    const key = draw % 11 === 0 ? "bad" : draw % 7 === 0 ? "unwanted" : `k${draw % 3}`;
    batches.at(-1)!.push({ key, time: i + (draw % 5), ...(draw % 2 === 0 && { trace: traceparentOf(draw + 1) }) });
  });
  return batches;
};

/** What is the same, traced or not: the tables, the header but for its traces, and the outputs. */
const withoutTraces = ({
  commit: { header, tables, outputs, shapes },
}: Awaited<ReturnType<typeof commitsOf>>[number]) => {
  const { traces: _, ...rest } = header as typeof header & { readonly traces?: unknown };
  return { header: rest, tables, outputs, shapes };
};

describe("traces change nothing", () => {
  test("without traced records commits are those of a build without traces, byte by byte", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(100), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (seed, size) => {
          const batches = batchesOf(seed, size).map((batch) =>
            batch.map((one) => ({ ...one, ...(one.trace && { trace: unsampled(one.trace) }) })),
          );
          const [a, b] = [new Rig(traced), new Rig(untraced)];
          await run(a, batches);
          await run(b, batches);
          expect((await commitsOf(a)).map(({ stored }) => stored)).toEqual(
            (await commitsOf(b)).map(({ stored }) => stored),
          );
          expect(a.spans).toEqual([]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("traced and untraced, one input makes the same rows, states, dead letters and output ids", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(100), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (seed, size) => {
          const batches = batchesOf(seed, size);
          const [a, b] = [new Rig(traced), new Rig(untraced)];
          await run(a, batches);
          await run(b, batches);
          for (const [name, sink] of a.sinks) expect(sink.received).toEqual(b.sinks.get(name)!.received);
          expect((await commitsOf(a)).map(withoutTraces)).toEqual((await commitsOf(b)).map(withoutTraces));
          expect(a.spans.length > 0).toBe(seed.some((draw) => draw % 2 === 0));
        },
      ),
      { numRuns: 30 },
    );
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["rejects", () => Promise.reject(new Error("no")) as never],
    ["says what is none", () => "none"],
  ] as [string, () => string][])("a function that %s is no trace, and no dead letter", async (_, trace) => {
    const rig = new Rig(pipelineOf(trace));
    await run(rig, [[{ key: "a", time: 1 }]]);
    expect(rig.deadLetters()).toEqual([]);
    expect(rig.rows("each")).toHaveLength(1);
    expect(rig.spans).toEqual([]);
  });
});

describe("spans", () => {
  const spanIdOf = (rig: Rig, epoch: number, name: string) =>
    createHash("sha256")
      .update(`${taskName(rig.idOf())}@${epoch} ${name}`)
      .digest("hex")
      .slice(0, 16);

  test("a commit of traced records is a span with links to those that sent them; its fold and delivery are children", async () => {
    const rig = new Rig(traced);
    rig.now = 1_234;
    const one = { key: "a", time: 1, trace: traceparentOf(7, 5) };
    await rig.task().turn({
      kind: "records",
      records: [
        recordOf(1, one),
        recordOf(2, { key: "b", time: 2 }),
        recordOf(3, { key: "unwanted", time: 3, trace: traceparentOf(8) }),
      ],
    });
    const task = taskName(rig.idOf());
    const attributes = { "millrace.task": task, "millrace.epoch": 1 };
    const times = { startTimeUnixNano: "1234000000", endTimeUnixNano: "1234000000" };
    const commit = spanIdOf(rig, 1, "commit");
    expect(rig.spans).toEqual([
      {
        name: "commit",
        traceId: traceIdOf(7),
        spanId: commit,
        parentSpanId: "0000000000000005",
        ...times,
        attributes: { ...attributes, "messaging.operation.type": "process" },
        links: [
          {
            traceId: traceIdOf(7),
            spanId: "0000000000000005",
            attributes: { "millrace.outputs.each": [`${task}@1#0`] },
          },
          { traceId: traceIdOf(8), spanId: "0000000000000001", attributes: {} },
        ],
      },
      {
        name: "fold",
        traceId: traceIdOf(7),
        spanId: spanIdOf(rig, 1, "fold"),
        parentSpanId: commit,
        ...times,
        attributes: { ...attributes, "messaging.operation.type": "process" },
      },
      {
        name: "deliver",
        traceId: traceIdOf(7),
        spanId: spanIdOf(rig, 1, "deliver"),
        parentSpanId: commit,
        ...times,
        attributes: { ...attributes, "messaging.operation.type": "send" },
      },
    ]);
  });

  test("a record that becomes a dead letter is traced to it, and its neighbours are not", async () => {
    const rig = new Rig(traced);
    const batch = [
      { key: "a", time: 1 },
      { key: "bad", time: 1, trace: traceparentOf(1) },
      { key: "b", time: 2, trace: traceparentOf(2) },
      { key: "c", time: 2 },
    ];
    await rig.task().turn({ kind: "records", records: batch.map((one, i) => recordOf(i + 1, one)) });
    const [letter] = rig.deadLetters();
    expect(rig.spans[0]!.links!.map(({ attributes }) => attributes)).toEqual([
      { "millrace.outputs.$dead-letters": [letter!.id] },
      { "millrace.outputs.each": [`${taskName(rig.idOf())}@1#2`] },
    ]);
  });

  test("what a record sent before it failed is nobody's, and its place another's", async () => {
    const failing = pipeline("failing", (flow) => {
      const all = flow.from(sourceOf((one) => one.trace)).map("slim", ({ key, time }) => ({ key, time }));
      all.to(each);
      all.to(lake("again", { key: text, time: timestamp }));
      all
        .filter("fails", ({ key }) => {
          if (key === "bad") throw new Error("bad");
          return true;
        })
        .to(lake("at_last", { key: text, time: timestamp }));
    });
    const rig = new Rig(failing);
    const batch = [
      { key: "bad", time: 1, trace: traceparentOf(1) },
      { key: "a", time: 1 },
    ];
    await rig.task().turn({ kind: "records", records: batch.map((one, i) => recordOf(i + 1, one)) });
    expect(rig.spans[0]!.links!.map(({ attributes }) => attributes)).toEqual([
      { "millrace.outputs.$dead-letters": [rig.deadLetters()[0]!.id] },
    ]);
  });

  test("links are bounded, and so are the ids of each: the rest is counted", async () => {
    const rig = new Rig(traced);
    const extra = 5;
    const many = Array.from({ length: MOST_TRACES + extra }, (_, i) => ({
      key: "a",
      time: 1,
      trace: traceparentOf(i + 1),
    }));
    const busy = Array.from({ length: MOST_OUTPUT_IDS + 3 }, () => ({ key: "a", time: 1, trace: traceparentOf(1) }));
    await rig.task().turn({ kind: "records", records: [...many, ...busy].map((one, i) => recordOf(i + 1, one)) });
    const [commit] = rig.spans;
    expect(commit!.links!.map(({ traceId }) => traceId)).toEqual(
      many.slice(0, MOST_TRACES).map((_, i) => traceIdOf(i + 1)),
    );
    expect(commit!.droppedLinksCount).toBe(extra);
    const { attributes } = commit!.links![0]!;
    expect(attributes["millrace.outputs.each"]).toHaveLength(MOST_OUTPUT_IDS);
    expect(attributes["millrace.outputs.dropped"]).toBe(4);
  });

  test("a commit that is lost to another writer, or never made, is told by nobody; one that is made again has its ids", async () => {
    const batch = [
      { key: "a", time: 1, trace: traceparentOf(1) },
      { key: "b", time: 2, trace: traceparentOf(2) },
    ].map((one, i) => recordOf(i + 1, one));
    const quiet = new Rig(traced);
    await quiet.task().turn({ kind: "records", records: batch });
    for (let at = 0; ; at++) {
      let isOver = false;
      for (const kind of ["before", "after"] as const) {
        const rig = new Rig(traced);
        const point = new CrashPoint(at, kind);
        const task = rig.task(point.options);
        await task.turn({ kind: "records", records: batch }).catch(() => undefined);
        await rig.task().turn({ kind: "records", records: batch });
        const told = rig.spans.filter(({ name }) => name === "commit");
        expect(told.length).toBeLessThanOrEqual(1); // at most once
        for (const one of rig.spans) expect(quiet.spans).toContainEqual(one);
        isOver = !point.crashed;
        if (isOver) expect(told).toHaveLength(1);
      }
      if (isOver) return expect(at).toBeGreaterThan(2);
    }
  });

  test("a delivery that fails is told once it succeeds, under the same id", async () => {
    const rig = new Rig(traced);
    let isDown = true;
    const task = rig.task({
      wrapSink: (_, sink) => ({
        deliver: async (items) => {
          if (isDown) throw new Error("down");
          return sink.deliver(items);
        },
      }),
    });
    const records = [recordOf(1, { key: "a", time: 1, trace: traceparentOf(1) })];
    await expect(task.turn({ kind: "records", records })).rejects.toThrow("could not be delivered");
    expect(rig.spans.map(({ name }) => name)).toEqual(["commit", "fold"]);
    isDown = false;
    await task.turn({ kind: "records", records });
    expect(rig.spans.map(({ name }) => name)).toEqual(["commit", "fold", "deliver"]);
    expect(rig.spans[2]!.spanId).toBe(spanIdOf(rig, 1, "deliver"));
    await task.turn({ kind: "records", records });
    expect(rig.spans).toHaveLength(3);
  });
});

test("a test reads what became of a trace, with the ids that rows have", () => {
  const driver = testDriver(traced);
  const events = sourceOf((one) => one.trace);
  driver.push(events, { key: "a", time: 1, trace: traceparentOf(9) });
  driver.push(events, { key: "a", time: 2 });
  const task = "traced:0:events:events.0:shardId-000000000000";
  expect(driver.traces()).toEqual([
    { traceId: traceIdOf(9), steps: [{ task, epoch: 1, outputs: { each: [`${task}@1#0`] }, dropped: 0 }] },
  ]);
});
