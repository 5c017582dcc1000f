import { bigint, count, kinesis, lake, max, pipeline, sum, text, timestamp, tumbling, double } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { MemoryPipeline, type MemoryPipelineOptions } from "../../lib/testing/memory-pipeline.ts";
import type { Gate } from "../../lib/testing/gated.ts";

const trips = kinesis("trips", {
  schema: z.object({ city: z.string(), fare: z.number(), at: z.number() }),
  eventTime: (trip) => trip.at,
  disorder: { seconds: 30 },
  idle: { minutes: 5 },
});

const perCity = pipeline("trips", (flow) => {
  flow
    .from(trips)
    .filter("paid", (trip) => trip.fare > 0)
    .keyBy("by-city", { city: (trip) => trip.city })
    .window("minutes", tumbling({ minutes: 1 }))
    .aggregate({ trips: count(), fares: sum((t) => t.fare), most: max((t) => t.fare) })
    .to(
      lake("fares", {
        city: text,
        windowStart: timestamp,
        windowEnd: timestamp,
        trips: bigint,
        fares: double,
        most: double,
      }),
    );
});

interface Trip {
  readonly city: string;
  readonly fare: number;
  readonly at: number;
}

const CITIES = ["Ulm", "Bonn", "Kiel", "Jena", "Trier", "Essen", "Mainz"];

/** Trips over ten minutes, each up to half a minute behind the one before. */
function someTrips(draws: ReturnType<Draws["stream"]>, length: number): Trip[] {
  return Array.from({ length }, (_, i) => ({
    city: draws.pick(CITIES),
    fare: draws.chance(0.1) ? 0 : draws.between(1, 100),
    at: Math.round((i * 600_000) / length) - draws.between(0, 30_000) + 1_000_000,
  }));
}

/** What a batch job would say. */
function expected(all: readonly Trip[]): string[] {
  const windows = new Map<string, { trips: number; fares: number; most: number }>();
  for (const { city, fare, at } of all) {
    if (fare <= 0) continue;
    const key = `${city} ${Math.floor(at / 60_000) * 60_000}`;
    const before = windows.get(key) ?? { trips: 0, fares: 0, most: 0 };
    windows.set(key, { trips: before.trips + 1, fares: before.fares + fare, most: Math.max(before.most, fare) });
  }
  return [...windows].map(([key, { trips, fares, most }]) => `${key} ${trips} ${fares} ${most}`).sort();
}

const found = (run: MemoryPipeline): string[] =>
  run
    .rows<{ city: string; window_start: number; trips: number; fares: number; most: number }>("fares")
    .map(({ city, window_start, trips, fares, most }) => `${city} ${window_start} ${trips} ${fares} ${most}`)
    .sort();

function putAll(run: MemoryPipeline, all: readonly Trip[], draws: ReturnType<Draws["stream"]>): void {
  for (const trip of all) run.put("trips", trip, `random ${draws.between(0, 1e9)}`);
}

/** Requests fail, or are carried out and their answer is lost. */
const failing = (draws: ReturnType<Draws["stream"]>, rate: number): Gate => {
  let isDead = false;
  return async (_request, carryOut) => {
    if (isDead) throw new Error("dead");
    if (!draws.chance(rate)) return carryOut();
    isDead = true;
    if (draws.chance(0.5)) await carryOut();
    throw new Error("dies here");
  };
};

const OPTIONS: MemoryPipelineOptions = { shards: 3, internalShards: 2, batchSize: 50, start: 2_000_000 };

test("records with random partition keys are grouped by any field, across shards", async () => {
  const draws = new Draws(1).stream("trips");
  const all = someTrips(draws, 2_000);
  const run = new MemoryPipeline(perCity, OPTIONS);
  putAll(run, all, draws);
  await run.drain();
  expect(found(run)).toEqual(expected(all));
  const [first, second] = run.stage("by-city").stream.shards;
  expect(first!.records.length).toBeGreaterThan(0);
  expect(second!.records.length).toBeGreaterThan(0);
});

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  "X1-X5, X8: exact while processes of both stages die at their requests, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("trips");
    const all = someTrips(draws, 300);
    const run = new MemoryPipeline(perCity, { ...OPTIONS, batchSize: 20, gateOf: () => failing(draws, 0.1) });
    putAll(run, all, draws);
    await run.drain();
    expect(found(run)).toEqual(expected(all));
  },
);

test("X12: a quiet stream closes the next stage's windows, though one shard never had a record", async () => {
  const run = new MemoryPipeline(perCity, OPTIONS);
  run.put("trips", { city: "Ulm", fare: 3, at: 1_000_000 }, "one key");
  await run.advance(4 * 60_000);
  expect(found(run)).toEqual([]);
  await run.advance(10 * 60_000);
  expect(found(run)).toEqual(["Ulm 960000 1 3 3"]);
});

test.each(Array.from({ length: 8 }, (_, seed) => seed))(
  "exact while shards of both streams are split and merged and processes die, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("trips");
    const all = someTrips(draws, 400);
    const run = new MemoryPipeline(perCity, { ...OPTIONS, batchSize: 20, gateOf: () => failing(draws, 0.05) });
    for (let from = 0; from < all.length; from += 50) {
      putAll(run, all.slice(from, from + 50), draws);
      if (draws.chance(0.7)) await run.run();
      const { stream } = run.stage(draws.pick(["trips", "by-city"]));
      const open = stream.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
      const at = draws.between(0, open.length - 1);
      if (draws.chance(0.5) || at + 1 === open.length) stream.split(open[at]!);
      else stream.merge(open[at]!, open[at + 1]!);
      if (draws.chance(0.5)) await run.run();
    }
    await run.drain();
    expect(found(run)).toEqual(expected(all));
  },
);
