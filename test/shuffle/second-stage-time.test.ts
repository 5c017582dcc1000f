import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const START = 1_000 * HOUR;

const trips = kinesis("trips", {
  schema: z.object({ city: z.string(), at: z.number() }),
  eventTime: (trip) => trip.at,
  disorder: { minutes: 5 },
});
const rows = lake("rows", { country: text, windowStart: timestamp, windowEnd: timestamp, cities: bigint });
const lateRows = lake("late_rows", { city: text, windowStart: timestamp, windowEnd: timestamp, trips: bigint });

/** Cities per country and hour, of the trips per city and hour, whose hours wait for late trips for half an hour. */
const perCountry = pipeline("per-country", (flow) => {
  const second = flow
    .from(trips)
    .keyBy("by-city", { city: (trip) => trip.city })
    .window("cities", tumbling({ hours: 1 }), { allowedLateness: { minutes: 30 } })
    .aggregate({ trips: count() })
    .keyBy("by-country", { country: (row) => row.city.slice(0, 2) })
    .window("countries", tumbling({ hours: 1 }))
    .aggregate({ cities: count() });
  second.to(rows);
  second.late.to(lateRows);
});

const begin = (shards: number) => new MemoryPipeline(perCountry, { start: START + 100 * HOUR, shards });

test("a row of a second stage comes when event time, less the lateness of the windows before, is past its window's end", async () => {
  const memory = begin(1);
  const put = async (minutes: number) => {
    memory.put("trips", { city: "DE Ulm", at: START + minutes * MINUTE }, "one key");
    await memory.run();
    return memory.rows("rows").length;
  };
  expect(await put(0)).toBe(0);
  // The hour of the first stage is over at 1:35, with disorder and lateness; that of the second one is then, too.
  expect(await put(94)).toBe(0);
  expect(await put(95)).toBe(1);
});

test("nothing of the second stage is late for it, however trips come", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ city: fc.constantFrom("DE Ulm", "DE Kiel", "FR Metz"), minutes: fc.nat(600) }), {
        minLength: 1,
        maxLength: 60,
      }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      async (all, cuts) => {
        const memory = begin(2);
        // In order but for what disorder and lateness allow.
        const ordered = all.toSorted((a, b) => a.minutes - b.minutes);
        for (const [i, { city, minutes }] of ordered.entries()) {
          memory.put("trips", { city, at: START + (minutes - (i % 30)) * MINUTE }, city);
          if (cuts[i % cuts.length]) await memory.run();
        }
        await memory.drain();
        expect(memory.rows("late_rows")).toEqual([]);
      },
    ),
    { numRuns: 60 },
  );
});
