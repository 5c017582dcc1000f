import {
  bigint,
  count,
  custom,
  globalWindow,
  hopping,
  kinesis,
  lake,
  mean,
  pipeline,
  session,
  text,
  tumbling,
  double,
  type GlobalWindow,
  type KeyByOptions,
  type SessionWindows,
  type TimeWindows,
} from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { shapeIn } from "../../lib/operators/evolution/state-shape.ts";
import type { EndingWindows } from "../../lib/operators/open-windows.ts";
import { keyByOf, partialEntry, partialIn } from "../../lib/operators/pre-aggregate.ts";
import type { WindowSpec } from "../../lib/operators/window-spec.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { Counters } from "../../lib/state/counters.ts";
import { decodeCommit } from "../../lib/state/commit.ts";

const readings = kinesis("readings", {
  schema: z.object({ sensor: z.string(), value: z.number(), at: z.number() }),
  eventTime: (reading) => reading.at,
  disorder: { millis: 20 },
});

/** The largest two, by an aggregate of one's own that throws on some values. */
const twoLargest = custom<{ value: number }, number[], number>({
  state: z.array(z.number()),
  init: () => [],
  add: (best, { value }) => {
    if (value === 13) throw new Error("unlucky");
    return [...best, value].sort((a, b) => b - a).slice(0, 2);
  },
  merge: (a, b) => [...a, ...b].sort((x, y) => y - x).slice(0, 2),
  result: (best) => best.reduce((sum, value) => sum + value, 0),
});

type Windows = TimeWindows<Reading> | SessionWindows<Reading> | GlobalWindow;

const perSensor = (windows: Windows, options: KeyByOptions) =>
  pipeline("readings", (flow) => {
    flow
      .from(readings)
      .keyBy("by-sensor", { sensor: (reading) => reading.sensor }, options)
      .window("w", windows as TimeWindows<Reading>, windows.kind === "global" ? {} : { allowedLateness: { millis: 5 } })
      .aggregate({ n: count(), mean: mean((r) => r.value), top: twoLargest })
      .map("row", ({ sensor, n, mean: value, top, ...window }) => ({
        ...{ sensor, n, mean: value, top },
        window: JSON.stringify(window),
      }))
      .to(lake("rows", { sensor: text, window: text, n: bigint, mean: double, top: double }));
  });

interface Reading {
  readonly sensor: string;
  readonly value: number;
  readonly at: number;
}

async function run(
  all: readonly Reading[],
  windows: Windows,
  options: KeyByOptions,
  batchSize: number,
): Promise<{ readonly rows: unknown[]; readonly counters: Map<string, Record<string, number>> }> {
  const memory = new MemoryPipeline(perSensor(windows, options), { shards: 2, batchSize, start: 1_000 });
  all.forEach((reading, i) => memory.put("readings", reading, `key ${(i * 7) % 5}`));
  await memory.drain();
  const rows = memory
    .rows<Record<string, number>>("rows")
    .map(({ mean: value, ...row }) => JSON.stringify({ ...row, mean: value!.toFixed(9) }));
  return { rows: rows.sort(), counters: await countersOf(memory) };
}

/** Counters of all tasks together, by operator. */
async function countersOf(memory: MemoryPipeline): Promise<Map<string, Record<string, number>>> {
  const sums = new Map<string, Record<string, number>>();
  for (const stage of memory.stages.values()) {
    for (const { id } of stage.stream.shards) {
      const task = memory.taskName(stage, id);
      const [head] = (await memory.changelog.newest(task, { from: 1, limit: 1 })).commits;
      if (head === undefined) continue;
      const body = head.body instanceof Uint8Array ? head.body : (await memory.objects.get(head.body.key))!;
      const counters = new Counters();
      counters.restore(decodeCommit(head, body, task).header.counters);
      for (const [operator, counts] of counters.byOperator()) {
        const sum = sums.get(operator) ?? {};
        for (const [field, n] of Object.entries(counts)) sum[field] = (sum[field] ?? 0) + Number(n);
        sums.set(operator, sum);
      }
    }
  }
  return sums;
}

const reading = fc.record({
  sensor: fc.constantFrom("a", "b", "c"),
  value: fc.integer({ min: 0, max: 20 }),
  at: fc.integer({ min: 0, max: 19 }), // never late: the disorder is 20
});

test.each([
  ["tumbling", tumbling({ millis: 10 })],
  ["hopping", hopping({ size: { millis: 10 }, every: { millis: 3 } })],
  ["session", session({ gap: { millis: 2 } })],
  ["session of each record's own length", session({ gap: (r: Reading) => ({ millis: 1 + (r.value % 4) }) })],
  ["global", globalWindow()],
] as const satisfies readonly (readonly [string, Windows])[])(
  "%s windows: what is aggregated before the shuffle has the rows of what is not",
  async (_name, windows) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(reading, { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        async (all, batchSize) => {
          const [before, plain] = [
            await run(all, windows, {}, batchSize),
            await run(all, windows, { preAggregate: false }, batchSize),
          ];
          expect(before.rows).toEqual(plain.rows);
          const { in: seen, folded, late, dead } = before.counters.get("w") ?? {};
          expect(seen ?? 0).toBe((folded ?? 0) + (late ?? 0) + (dead ?? 0));
          const unlucky = all.filter(({ value }) => value === 13).length;
          expect(seen ?? 0).toBe(all.length - unlucky);
          // X7: user code that throws is its record's, wherever it runs.
          expect(before.counters.get("readings")?.["dead"] ?? 0).toBe(unlucky);
        },
      ),
      { numRuns: 40 },
    );
  },
);

test("one element a batch, key and window is sent", async () => {
  const all = Array.from({ length: 1_000 }, (_, i) => ({ sensor: i % 2 === 0 ? "a" : "b", value: 1, at: i % 20 }));
  const { counters } = await run(all, tumbling({ millis: 10 }), {}, 100);
  const { folded, sent } = counters.get("by-sensor")!;
  expect(folded).toBe(1_000);
  // Two shards together have at least ten batches, each with two keys in two windows; a few batches are short.
  expect(sent).toBeLessThanOrEqual(12 * 4);
  const everything = await run(all, globalWindow(), {}, 100);
  expect(everything.counters.get("by-sensor")!["sent"]).toBeLessThanOrEqual(12 * 2);
  const visits = await run(all, session({ gap: { millis: 5 } }), {}, 100);
  expect(visits.counters.get("by-sensor")!["sent"]).toBeLessThanOrEqual(12 * 2);
  const plain = await run(all, tumbling({ millis: 10 }), { preAggregate: false }, 100);
  expect(plain.counters.get("by-sensor")!["sent"]).toBe(1_000);
});

test("sessions enter where a build that does not join them knows no shape, and this one theirs", () => {
  const specOf = (windows: Windows): WindowSpec<EndingWindows> => ({
    ...{ name: "w", assigner: windows, allowedLateness: 0, trigger: undefined, keyFields: ["sensor"] },
    ...{ aggregates: { n: count() }, evolution: { version: 1, changes: new Map() }, delay: 0 },
  });
  for (const windows of [tumbling({ millis: 10 }), globalWindow(), session({ gap: { millis: 5 } })]) {
    const entry = partialEntry("by-sensor", specOf(windows));
    const { window, shape } = partialIn(entry)!;
    expect([keyByOf(entry), window, shapeIn(shape)?.version]).toEqual(["by-sensor", "w", 1]);
    // As builds read it before there was anything to join.
    const before = shapeIn(entry.split(">").slice(2).join(">"));
    expect(before === undefined).toBe(windows.kind === "session");
  }
});
