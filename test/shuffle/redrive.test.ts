import { bigint, count, kinesis, lake, pipeline, sum, text, timestamp, tumbling, double } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import type { Gate } from "../../lib/testing/gated.ts";

/** Whether the second stage's build cannot take fares that are multiples of seven. */
let isBroken = false;

const trips = kinesis("trips", {
  schema: z.object({ city: z.string(), fare: z.number(), at: z.number() }),
  eventTime: (trip) => trip.at,
  disorder: { seconds: 30 },
});

const fares = lake("fares", { city: text, windowStart: timestamp, windowEnd: timestamp, trips: bigint, fares: double });

const perCity = pipeline(
  "trips",
  (flow) => {
    flow
      .from(trips)
      .keyBy("by-city", { city: (trip) => trip.city }, { preAggregate: false })
      .window("minutes", tumbling({ minutes: 1 }), { allowedLateness: { hours: 1 } })
      .aggregate({
        trips: count(),
        fares: sum(({ fare }) => {
          if (isBroken && fare % 7 === 0) throw new Error("cannot");
          return fare;
        }),
      })
      .to(fares);
  },
  { poison: { share: 1 } },
);

const CITIES = ["Ulm", "Bonn", "Kiel", "Jena", "Trier", "Essen", "Mainz"];

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

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  "a later stage's dead letters are folded once each, however often they are redriven while its shards are split and merged, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("trips");
    const all = Array.from({ length: 200 }, (_, i) => ({
      city: draws.pick(CITIES),
      fare: draws.between(1, 100),
      at: 1_000_000 + i * 3_000 - draws.between(0, 30_000),
    }));
    const gateOf = () => failing(draws, 0.03);
    const run = new MemoryPipeline(perCity, { shards: 2, internalShards: 2, batchSize: 20, start: 2_000_000, gateOf });
    const byCity = run.stage("by-city");
    const reshard = () => {
      const { stream } = byCity;
      const open = stream.shards.filter((shard) => shard.isOpen).sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
      const at = draws.between(0, open.length - 1);
      if (at + 1 < open.length && draws.chance(0.5)) stream.merge(open[at]!, open[at + 1]!);
      else stream.split(open[at]!);
    };
    const put = async (some: typeof all) => {
      for (const trip of some) run.put("trips", trip, `random ${draws.between(0, 1e9)}`);
      await run.run();
    };

    isBroken = true;
    await put(all.slice(0, 120));
    isBroken = false;
    const letters = new Map(
      (run.delivered.get(DEAD_LETTERS) ?? []).map(({ id, body }) => {
        return [id, { ...(JSON.parse(body) as Omit<DeadLetter, "id">), id }] as const;
      }),
    );
    expect(letters.size).toBe(all.slice(0, 120).filter(({ fare }) => fare % 7 === 0).length);
    expect(letters.size).toBeGreaterThan(0);

    const messages = [...letters.values()].flatMap((letter) =>
      Array.from({ length: draws.between(1, 3) }, () => letter),
    );
    const random = messages.map((letter) => [draws.between(0, 1e9), letter] as const).sort(([a], [b]) => a - b);
    for (const [i, [, letter]] of random.entries()) {
      if (draws.chance(0.15)) reshard();
      byCity.waiting.push({ message: { type: "redrive", task: letter.task, letter }, at: run.now });
      if (i % 4 === 0) await put(all.slice(120 + i, 124 + i));
      if (draws.chance(0.3)) await run.run();
    }
    await put(all.slice(120 + 4 * Math.ceil(random.length / 4)));
    await run.drain();

    const windows = new Map<string, readonly [trips: number, fares: number]>();
    for (const { city, fare, at } of all) {
      const key = `${city} ${Math.floor(at / 60_000) * 60_000}`;
      const [n, total] = windows.get(key) ?? [0, 0];
      windows.set(key, [n + 1, total + fare]);
    }
    const found = run
      .rows<{ city: string; window_start: number; trips: number; fares: number }>("fares")
      .map((row) => `${row.city} ${row.window_start} ${row.trips} ${row.fares}`);
    expect(found.sort()).toEqual([...windows].map(([key, [n, total]]) => `${key} ${n} ${total}`).sort());
  },
);
