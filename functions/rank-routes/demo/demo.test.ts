import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../../localstack/random.ts";
import { Database, literal } from "../../../localstack/start/database.ts";
import { MemoryPipeline } from "../../../lib/testing/memory-pipeline.ts";
import routes from "../pipeline.ts";
import { demo } from "./index.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const START = Date.UTC(2001, 0, 1);

interface Departure {
  readonly origin: string;
  readonly destination: string;
  readonly departedAt: number;
  readonly delay: number;
  readonly distance: number;
}

const AIRPORTS = ["ATL", "ORD", "HNL", "SFO", "JFK", "DFW"];

/** Departures of three days, each up to six hours behind others, many alike: routes and delays tie. */
function sample(seed: number, count: number): Departure[] {
  const random = seededRandom(seed);
  const airport = () => AIRPORTS[Math.floor(random() * AIRPORTS.length)]!;
  return Array.from({ length: count }, (_, i) => ({
    origin: airport(),
    destination: airport(),
    departedAt: Math.floor(START + 6 * HOUR + (i * 3 * DAY) / count - random() * 6 * HOUR),
    delay: Math.floor(random() * 12) * 10 - 20,
    distance: random() < 0.1 ? 80 : 500,
  }));
}

let database: Database;
beforeAll(async () => {
  database = await Database.open(tmpdir());
});
afterAll(() => database.close());

async function bySql(departures: readonly Departure[]) {
  const rows = departures.map(
    ({ origin, destination, departedAt, delay, distance }, n) =>
      `(${n}, ${literal(origin)}, ${literal(destination)}, ${departedAt}::BIGINT, ${delay}::BIGINT, ${distance}::BIGINT)`,
  );
  await database.run(`
    CREATE OR REPLACE TABLE prepared AS
    SELECT * FROM (VALUES ${rows.join()}) AS t(n, origin, destination, departed_at, delay, distance)`);
  await database.run(demo.oracleSql);
  return {
    routes: await database.rows(`
      SELECT origin, destination, epoch_ms(window_start)::DOUBLE AS day, flights::DOUBLE AS flights, delay_p90,
        epoch_ms(worst_at)::DOUBLE AS worst_at
      FROM expected_daily_routes ORDER BY ALL`),
    busiest: await database.rows(`
      SELECT origin, epoch_ms(window_start)::DOUBLE AS day, destinations::DOUBLE AS destinations, flights::DOUBLE AS flights,
        busiest
      FROM expected_busiest_routes ORDER BY ALL`),
  };
}

const sorted = <T>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

describe("the oracle of routes", () => {
  test.each([1, 2, 3])("agrees with the rules followed by hand, sample %i", async (seed) => {
    const departures = sample(seed, 1_000);
    const days = new Map<string, Departure[]>();
    for (const departure of departures.filter(({ distance }) => distance >= 100)) {
      const key = [departure.origin, departure.destination, Math.floor(departure.departedAt / DAY) * DAY].join();
      days.set(key, [...(days.get(key) ?? []), departure]);
    }
    const byHand = [...days].map(([key, flights]) => {
      const [origin, destination, day] = key.split(",");
      const delays = flights.map(({ delay }) => delay).sort((a, b) => a - b);
      const worst = flights.filter(({ delay }) => delay === delays.at(-1));
      return {
        origin,
        destination,
        day: Number(day),
        flights: flights.length,
        delay_p90: delays[Math.ceil(0.9 * delays.length) - 1],
        worst_at: Math.min(...worst.map(({ departedAt }) => departedAt)),
      };
    });
    const sql = await bySql(departures);
    expect(sorted(sql.routes)).toEqual(sorted(byHand));
    expect(sql.busiest).toHaveLength(new Set(byHand.map(({ origin, day }) => `${origin} ${day}`)).size);
    for (const row of sql.busiest) {
      const own = byHand
        .filter(({ origin, day }) => origin === row["origin"] && day === row["day"])
        .sort((a, b) => b.flights - a.flights || (a.destination! < b.destination! ? 1 : -1));
      expect(row["destinations"]).toBe(own.length);
      expect(row["flights"]).toBe(own.reduce((sum, { flights }) => sum + flights, 0));
      expect(row["busiest"]).toBe(
        own
          .slice(0, 3)
          .map(({ destination, flights }) => `${destination} ${flights}`)
          .join(", "),
      );
    }
  });

  test("agrees with the pipeline, in memory: of routes that tie, and of delays that do", async () => {
    const departures = sample(7, 2_000);
    const run = new MemoryPipeline(routes, { shards: 3, internalShards: 2, batchSize: 100, start: START + 7 * DAY });
    departures.forEach((departure, i) => run.put("departures", departure, `random ${i}`));
    await run.drain();
    const sql = await bySql(departures);
    interface Route {
      readonly origin: string;
      readonly destination: string;
      readonly window_start: number;
      readonly flights: number;
      readonly delay_p90: number;
      readonly worst_at: number;
    }
    const found = run
      .rows<Route>("daily_routes")
      .map(({ window_start: day, flights, delay_p90, worst_at, ...route }) => ({
        origin: route.origin,
        destination: route.destination,
        day,
        flights,
        worst_at,
        // Within 1 % of it, as the aggregate promises: these are tens.
        delay_p90: Math.round(delay_p90 / 10) * 10,
      }));
    expect(sorted(found)).toEqual(sorted(sql.routes.map(({ delay_p90, ...row }) => ({ ...row, delay_p90 }))));
    interface Busiest {
      readonly origin: string;
      readonly window_start: number;
      readonly destinations: number;
      readonly flights: number;
      readonly busiest: string;
    }
    const rankings = run
      .rows<Busiest>("busiest_routes")
      .map(({ origin, window_start: day, destinations, flights, busiest }) => ({
        origin,
        day,
        destinations,
        flights,
        busiest,
      }));
    expect(sorted(rankings)).toEqual(sorted(sql.busiest));
  });
});
