import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import { END_OF_TIME } from "../../lib/time/instant.ts";

const trips = kinesis("trips", {
  schema: z.object({ city: z.string(), at: z.number() }),
  eventTime: (trip) => trip.at,
  disorder: { minutes: 5 },
  idle: { minutes: 1 },
});

const perCity = pipeline("trips", (flow) => {
  flow
    .from(trips)
    .keyBy("by-city", { city: (trip) => trip.city })
    .window("hours", tumbling({ hours: 1 }))
    .aggregate({ trips: count() })
    .to(lake("trips_per_hour", { city: text, windowStart: timestamp, windowEnd: timestamp, trips: bigint }));
});

test("X12: a tick that comes after the end of time moves it no further", async () => {
  const reports: TurnReport[] = [];
  const run = new MemoryPipeline(perCity, { start: 1_000_000, onTurn: (report) => reports.push(report) });
  run.put("trips", { city: "Ulm", at: 1_000_000 }, "one key");
  await run.advance(10 * 60_000); // all are idle, and the next stage waits for its window's end
  await run.drain();
  const drained = reports.length;
  await run.advance(3 * 3_600_000);
  const ticks = reports.slice(drained).filter(({ trigger, task }) => trigger === "tick" && task.includes(":by-city:"));
  expect(ticks.length).toBeGreaterThan(0);
  expect(ticks.map(({ watermark }) => watermark)).toEqual(ticks.map(() => END_OF_TIME));
  expect(run.rows("trips_per_hour")).toHaveLength(1);
});
