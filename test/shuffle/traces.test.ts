import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling, type Pipeline } from "millrace";
import { testDriver } from "millrace/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MAX_ELEMENT_BYTES, tracedText } from "../../lib/operators/element.ts";
import { DEAD_LETTERS, type DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { Span } from "../../lib/runtime/observer.ts";
import { elementsText, parsePack } from "../../lib/runtime/shuffle/pack.ts";
import { pathsOf } from "../../lib/runtime/trace-paths.ts";
import { parseTaskName } from "../../lib/state/task-id.ts";
import { MOST_TRACES } from "../../lib/state/traceparent.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { traceIdOf, traceparentOf, unsampled } from "../support/traceparents.ts";

const trip = z.object({ city: z.string(), at: z.number(), note: z.string().optional(), trace: z.string().optional() });
type Trip = z.infer<typeof trip>;

const seen = lake("seen", { city: text, at: timestamp });
const rows = lake("rows", { city: text, windowStart: timestamp, windowEnd: timestamp, trips: bigint });

/** Whether the second stage cannot take trips to Ulm. */
let isBroken = false;

const tripsOf = (isTraced: boolean) =>
  kinesis("trips", {
    schema: trip,
    eventTime: (one) => one.at,
    disorder: { millis: 20 },
    ...(isTraced && { trace: (one: Trip) => one.trace }),
  });

/** One stage is sent records, the other what is aggregated of them; what is broadcast goes to both. */
const cities = (isTraced: boolean): Pipeline =>
  pipeline(
    "cities",
    (flow) => {
      const trips = flow.from(tripsOf(isTraced));
      const byCity = trips
        .map("slim", ({ trace: _, ...one }) => one)
        .keyBy("by-city", { city: (one) => one.city }, { preAggregate: false });
      byCity
        .process("seen-there", {
          onRecord({ city, at }) {
            if (isBroken && city === "Ulm") throw new Error("cannot");
            return [{ city, at }];
          },
        })
        .to(seen);
      trips
        .keyBy("counted-by-city", { city: (one) => one.city })
        .window("w", tumbling({ millis: 10 }))
        .aggregate({ trips: count() })
        .to(rows);
    },
    { poison: { share: 1 } },
  );

interface Run {
  readonly memory: MemoryPipeline;
  readonly spans: Span[];
  /** What was put into internal streams. */
  readonly packs: string[];
}

async function run(trips: readonly Trip[], isTraced: boolean, batchSize: number): Promise<Run> {
  const spans: Span[] = [];
  const packs: string[] = [];
  const memory = new MemoryPipeline(cities(isTraced), {
    shards: 2,
    batchSize,
    start: 1_000,
    onTraced: (_task, _epoch, told) => void spans.push(...told),
    throughOf: (_reader, stream) => ({
      open: () => stream.open(),
      put: (records) => {
        packs.push(...records.map(({ text: pack }) => pack));
        return stream.put(records);
      },
    }),
  });
  trips.forEach((one, i) => memory.put("trips", one, `key ${(i * 7) % 5}`));
  await memory.drain();
  return { memory, spans, packs };
}

const trips = fc.array(
  fc.record(
    {
      city: fc.constantFrom("Ulm", "Bonn", "Kiel"),
      at: fc.integer({ min: 0, max: 19 }), // never late
      trace: fc.integer({ min: 1, max: 60 }).map((n) => traceparentOf(n)),
    },
    { requiredKeys: ["city", "at"] },
  ),
  { maxLength: 60 },
);
const batchSizes = fc.integer({ min: 1, max: 20 });

const commitsOf = async ({ memory }: Run) => {
  const commits = [];
  for (const stage of memory.stages.values()) {
    for (const { id } of stage.stream.shards) {
      const task = memory.taskName(stage, id);
      commits.push((await memory.changelog.newest(task, { from: 1, limit: 1_000 })).commits);
    }
  }
  return commits;
};

const deliveredBy = ({ memory }: Run) => [...memory.delivered];

describe("traces change nothing, through several stages", () => {
  test("without traced records packs and commits are those of a build without traces, byte by byte", async () => {
    await fc.assert(
      fc.asyncProperty(trips, batchSizes, async (all, size) => {
        const input = all.map((one) => ({ ...one, ...(one.trace && { trace: unsampled(one.trace) }) }));
        const [a, b] = [await run(input, true, size), await run(input, false, size)];
        expect(a.packs).toEqual(b.packs);
        expect(await commitsOf(a)).toEqual(await commitsOf(b));
        expect(a.spans).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  test("traced and untraced, one input makes the same rows and output ids", async () => {
    await fc.assert(
      fc.asyncProperty(trips, batchSizes, async (all, size) => {
        const [a, b] = [await run(all, true, size), await run(all, false, size)];
        expect(deliveredBy(a)).toEqual(deliveredBy(b));
        expect(a.spans.length > 0).toBe(all.some(({ trace }) => trace !== undefined));
      }),
      { numRuns: 25 },
    );
  });

  test("a value that only just fits fits with its traces, too", () => {
    const driver = testDriver(cities(true));
    // What is left is the element's frame.
    const note = "x".repeat(MAX_ELEMENT_BYTES - 80);
    driver.push(tripsOf(true), { city: "Ulm", at: 1, note, trace: traceparentOf(1) });
    expect(driver.read(seen)).toHaveLength(1);
    driver.push(tripsOf(true), { city: "Ulm", at: 1, note: `${note}${"x".repeat(80)}`, trace: traceparentOf(1) });
    expect(driver.deadLetters().map(({ reason }) => reason.code)).toEqual(["shuffle/too-large"]);
  });
});

describe("a trace is followed from stage to stage", () => {
  const stageOf = ({ task }: { readonly task: string }) => parseTaskName(task).stage;

  test("each traced record is found in every stage, and in the row that was made of it alone", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 30 }),
        batchSizes,
        async (ns, size) => {
          const { spans, memory } = await run(
            ns.map((n) => ({ city: `city ${n % 5}`, at: n % 20, trace: traceparentOf(n) })),
            true,
            size,
          );
          const paths = pathsOf(spans);
          expect(paths.map(({ traceId }) => traceId).sort()).toEqual(ns.map(traceIdOf).sort());
          const bodies = new Map(memory.delivered.get("seen")!.map(({ id, body }) => [id, JSON.parse(body) as Trip]));
          for (const { traceId, steps } of paths) {
            const n = Number.parseInt(traceId, 16);
            expect([...new Set(steps.map(stageOf))].sort()).toEqual(["by-city", "counted-by-city", "trips"]);
            const first = steps.find((step) => stageOf(step) === "trips")!;
            expect(Object.keys(first.outputs).sort()).toEqual(["by-city", "counted-by-city"]);
            const [id, ...others] = steps.find((step) => stageOf(step) === "by-city")!.outputs["seen"]!;
            expect(others).toEqual([]);
            expect(bodies.get(id!)!.city).toBe(`city ${n % 5}`);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("a dead letter of a later stage keeps its trace when it is taken back", async () => {
    isBroken = true;
    const { memory, spans } = await run(
      [
        { city: "Ulm", at: 1, trace: traceparentOf(5) },
        { city: "Bonn", at: 1 },
      ],
      true,
      10,
    );
    isBroken = false;
    const [{ id, body }] = memory.delivered.get(DEAD_LETTERS)! as [{ id: string; body: string }];
    const letters = pathsOf(spans)[0]!.steps.flatMap(({ outputs }) => outputs[DEAD_LETTERS] ?? []);
    expect(letters).toEqual([id]);
    spans.length = 0;
    const letter = { ...(JSON.parse(body) as DeadLetter), id };
    memory.stage("by-city").waiting.push({ at: 0, message: { type: "redrive", task: letter.task, letter } as never });
    await memory.run();
    const [path] = pathsOf(spans);
    expect(path!.traceId).toBe(traceIdOf(5));
    expect(path!.steps.at(-1)!.outputs["seen"]).toEqual([memory.delivered.get("seen")!.at(-1)!.id]);
  });
});

describe("packs", () => {
  const packOf = (element: string) => parsePack(elementsText("p:0:s:s.0:x", 1, "by-city", [[0, element]]));
  const plain = '[1000,"sUlm",{"a":1}]';

  test("an element's traces come out as they went in", () => {
    const traces = [traceparentOf(1), traceparentOf(2)];
    expect(tracedText(plain, [])).toBe(plain);
    expect(packOf(tracedText(plain, traces))).toMatchObject({
      elements: [{ traces, value: { a: 1 }, keyCode: "sUlm" }],
    });
  });

  test.each([
    ["none", "[]", []],
    ["what is no list", '"x"', []],
    ["what is no trace", `["x",1,null,"${traceparentOf(3)}"]`, [traceparentOf(3)]],
    ["what is not sampled", `["${unsampled(traceparentOf(3))}"]`, []],
    [
      "too many",
      JSON.stringify(Array.from({ length: MOST_TRACES + 9 }, (_, i) => traceparentOf(i + 1))),
      Array.from({ length: MOST_TRACES }, (_, i) => traceparentOf(i + 1)),
    ],
  ])("an element is taken whatever its traces are: %s", (_, written, traces) => {
    expect(packOf(`[1000,"sUlm",{"a":1},${written}]`)).toMatchObject({ elements: [{ value: { a: 1 }, traces }] });
  });

  // What lets packs with traces go to readers that know none, in any order of deployment.
  test("what comes after the traces, a later build's, is passed by", () => {
    expect(packOf('[1000,"sUlm",{"a":1},[],{"later":1}]')).toMatchObject({ elements: [{ value: { a: 1 } }] });
  });
});
