import { tmpdir } from "node:os";
import path from "node:path";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database, literal } from "../../../localstack/start/database.ts";
import { seededRandom } from "../../../localstack/random.ts";
import { demo } from "./index.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2001, 0, 1);

interface Departure {
  readonly n: number;
  readonly origin: string;
  readonly departedAt: number;
  readonly delay: number;
  readonly distance: number;
  readonly shard: string;
  readonly sequence: string;
}

/** Departures out of order by up to nine hours, some exactly on the hour, with sequences of several lengths. */
function sample(seed: number, count: number): Departure[] {
  const random = seededRandom(seed);
  const origins = ["ATL", "ORD", "HNL", "SFO", "JFK"];
  const order = Array.from({ length: count }, (_, i) => i).sort(() => random() - 0.5);
  return order.map((place, n) => {
    const origin = Math.floor(random() * origins.length);
    const minutes = Math.floor(place * 2 - random() * 9 * 60);
    const departedAt = START + (random() < 0.2 ? Math.round(minutes / 60) * HOUR : minutes * 60_000);
    return {
      n,
      origin: origins[origin]!,
      departedAt,
      delay: Math.floor(random() * 100) - 20,
      distance: Math.floor(random() * 900) + 50,
      shard: `shardId-00000000000${origin % 2}`,
      // From 1 digit up to 40, so that neither text order nor numbers would do.
      sequence: String(place < 10 ? place : 10n ** BigInt(Math.min(3 + Math.floor(place / 40), 39)) + BigInt(place)),
    };
  });
}

/** The rules of the pipeline, one record after another. */
function byHand(departures: readonly Departure[]) {
  const latest = new Map<string, number>();
  const windows = new Map<string, { flights: number; sum: number; worst: number }>();
  const late: string[] = [];
  const inOrder = [...departures].sort((a, b) => (BigInt(a.sequence) < BigInt(b.sequence) ? -1 : 1));
  for (const { origin, departedAt, delay, distance, shard } of inOrder) {
    const watermark = (latest.get(shard) ?? Number.NEGATIVE_INFINITY) - 5 * HOUR;
    latest.set(shard, Math.max(latest.get(shard) ?? Number.NEGATIVE_INFINITY, departedAt));
    if (distance < 100) continue;
    const start = Math.floor(departedAt / HOUR) * HOUR;
    if (start + HOUR <= watermark) {
      late.push(`${origin} ${departedAt} ${delay}`);
      continue;
    }
    const key = `${origin} ${start}`;
    const window = windows.get(key) ?? { flights: 0, sum: 0, worst: Number.NEGATIVE_INFINITY };
    windows.set(key, { flights: window.flights + 1, sum: window.sum + delay, worst: Math.max(window.worst, delay) });
  }
  return { windows, late };
}

let database: Database;
beforeAll(async () => {
  database = await Database.open(tmpdir());
});
afterAll(() => database.close());

/** @param lineage keys, a shard they are in, and one that they were in before */
async function bySql(departures: readonly Departure[], lineage: readonly (readonly [string, string, string])[] = []) {
  const rows = departures.map(
    ({ n, origin, departedAt, delay, distance }) =>
      `(${n}, ${literal(origin)}, ${departedAt}::BIGINT, ${delay}::BIGINT, ${distance}::BIGINT)`,
  );
  const places = departures.map(({ n, shard, sequence }) => `(${n}, ${literal(shard)}, ${literal(sequence)})`);
  await database.run(`
    CREATE OR REPLACE TABLE prepared AS SELECT * FROM (VALUES ${rows.join()}) AS t(n, origin, departed_at, delay, distance);
    CREATE OR REPLACE TABLE lineage (partition_key VARCHAR, shard VARCHAR, ancestor VARCHAR);
    CREATE OR REPLACE TABLE accepted AS SELECT * FROM (VALUES ${places.join()}) AS t(n, shard, sequence)`);
  for (const place of lineage) await database.run(`INSERT INTO lineage VALUES (${place.map(literal).join()})`);
  await database.run(demo.oracleSql);
  return {
    windows: await database.rows("SELECT *, epoch_ms(window_start) AS starts FROM expected_hourly_delays"),
    late: await database.rows("SELECT *, epoch_ms(departed_at) AS at FROM expected_late_departures"),
  };
}

describe("the oracle of flights", () => {
  test.each([1, 2, 3, 4, 5])("agrees with the rules followed by hand, sample %i", async (seed) => {
    const departures = sample(seed, 1_500);
    const hand = byHand(departures);
    const sql = await bySql(departures);
    expect(hand.late.length).toBeGreaterThan(20);
    expect(
      sql.late.map((row) => `${String(row["origin"])} ${String(row["at"])} ${String(row["delay"])}`).sort(),
    ).toEqual(hand.late.sort());
    const windows = sql.windows.map((row) => [
      `${String(row["origin"])} ${String(row["starts"])}`,
      {
        flights: Number(row["flights"]),
        sum: Math.round(Number(row["mean_delay"]) * Number(row["flights"])),
        worst: Number(row["worst_delay"]),
      },
    ]);
    expect(new Map(windows as [string, object][])).toEqual(hand.windows);
  });

  test("the edges: an hour closes when the watermark reaches its end; its end belongs to the next hour", async () => {
    const at = (n: number, departedAt: number, distance = 500) => ({
      n,
      origin: "ATL",
      departedAt: START + departedAt,
      delay: n,
      distance,
      shard: "s",
      sequence: String(n + 1),
    });
    const { windows, late } = await bySql([
      at(0, 6 * HOUR - 1), // watermark: one millisecond before 01:00
      at(1, HOUR - 1), // in time
      at(2, 6 * HOUR, 99), // too short a flight, and yet it moves the watermark to 01:00
      at(3, HOUR - 1), // late
      at(4, HOUR), // in time: of the next hour
    ]);
    expect(late.map((row) => row["delay"])).toEqual([3]);
    expect(windows.map((row) => [Number(row["starts"]) - START, Number(row["flights"])]).sort()).toEqual(
      [
        [0, 1],
        [5 * HOUR, 1],
        [HOUR, 1],
      ].sort(),
    );
  });
});

describe("the oracle of flights, after shards were split and merged", () => {
  const at = (n: number, origin: string, shard: string, departedAt: number): Departure => ({
    n,
    origin,
    departedAt: START + departedAt,
    delay: n,
    distance: 500,
    shard,
    sequence: String(n + 1),
  });
  const lateIn = async (...args: Parameters<typeof bySql>) =>
    (await bySql(...args)).late.map((row) => Number(row["delay"])).sort();

  test("what a shard had closed, its children do not open again", async () => {
    const departures = [
      at(0, "ATL", "a", 8 * HOUR), // closes the hours up to 03:00
      at(1, "ATL", "b", 2 * HOUR),
      at(2, "ATL", "b", 3 * HOUR),
    ];
    expect(await lateIn(departures)).toEqual([]);
    expect(await lateIn(departures, [["ATL", "b", "a"]])).toEqual([1]);
  });

  test("of a merged shard each key has what its own parent had closed, and no other's", async () => {
    const departures = [
      at(0, "ATL", "a", 8 * HOUR),
      at(1, "JFK", "b", 4 * HOUR),
      at(2, "ATL", "c", 2 * HOUR), // late: "a" had closed it
      at(3, "JFK", "c", 2 * HOUR), // in time
      at(4, "JFK", "c", 8 * HOUR),
      at(5, "JFK", "c", 2 * HOUR), // late: "c" itself has closed it
    ];
    expect(
      await lateIn(departures, [
        ["ATL", "c", "a"],
        ["JFK", "c", "b"],
      ]),
    ).toEqual([2, 5]);
  });
});

describe("the departures", () => {
  test("local times become UTC, in the order of the file", async () => {
    const file = path.join(tmpdir(), `departures-${process.pid}.parquet`);
    await demo.prepare(database, 2_000, file);
    const [first, ...rest] = await database.rows(`SELECT * FROM read_parquet(${literal(file)})`);
    // Las Vegas, 00:01 Pacific Standard Time.
    expect(first).toMatchObject({
      n: 0n,
      origin: "LAS",
      destination: "PHL",
      departed_at: BigInt(Date.UTC(2001, 0, 1, 8, 1)),
      delay: 33n,
    });
    expect(rest.map((row) => row["n"])).toEqual(Array.from({ length: 1_999 }, (_, i) => BigInt(i + 1)));
    const events = await database.rows(
      `WITH prepared AS (FROM read_parquet(${literal(file)})) ${demo.eventsSql} LIMIT 1`,
    );
    expect(events[0]!["partition_key"]).toBe("LAS");
    expect(JSON.parse(String(events[0]!["event"]))).toEqual({
      origin: "LAS",
      destination: "PHL",
      departedAt: Date.UTC(2001, 0, 1, 8, 1),
      delay: 33,
      distance: 2176,
    });
    rmSync(file);
  });

  test("the hour that clocks skip in spring moves on by an hour", async () => {
    const row = await database.row(
      "SELECT epoch_ms(timezone('America/New_York', TIMESTAMP '2001-04-01 02:30:00')) AS at",
    );
    expect(Number(row["at"])).toBe(Date.UTC(2001, 3, 1, 7, 30));
  });
});
