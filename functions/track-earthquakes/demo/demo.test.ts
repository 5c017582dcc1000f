import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database, literal, type Row } from "../../../localstack/start/database.ts";
import { demo } from "./index.ts";

const DAY = 86_400_000;
const file = path.join(tmpdir(), `quakes-${process.pid}.parquet`);

let database: Database;
let quakes: readonly Row[];
beforeAll(async () => {
  database = await Database.open(tmpdir());
  await demo.prepare(database, demo.available, file);
  await database.run(`CREATE VIEW prepared AS FROM read_parquet(${literal(file)})`);
  await database.run("CREATE TABLE lineage (partition_key VARCHAR, shard VARCHAR, ancestor VARCHAR)");
  quakes = await database.rows("FROM prepared ORDER BY n");
});
afterAll(() => {
  database.close();
  rmSync(file, { force: true });
});

/** The rules of the pipeline, one report after another, each network in the shard that `shardOf` says. */
function byHand(shardOf: (network: string) => number) {
  const latest = new Map<number, number>();
  const windows = new Map<string, { quakes: number; sum: number; max: number; at: string; time: number }>();
  const late: string[] = [];
  for (const quake of quakes) {
    const network = String(quake["network"]);
    const time = Number(quake["occurred_at"]);
    const magnitude = Number(quake["magnitude"]);
    const before = latest.get(shardOf(network)) ?? Number.NEGATIVE_INFINITY;
    latest.set(shardOf(network), Math.max(before, time));
    if (quake["type"] !== "earthquake") continue;
    const start = Math.floor(time / DAY) * DAY;
    if (start + DAY <= before - 2 * DAY) {
      late.push(String(quake["id"]));
      continue;
    }
    const key = `${network} ${start}`;
    const known = windows.get(key) ?? { quakes: 0, sum: 0, max: Number.NEGATIVE_INFINITY, at: "", time: 0 };
    const stronger = magnitude > known.max || (magnitude === known.max && time < known.time);
    windows.set(key, {
      quakes: known.quakes + 1,
      sum: known.sum + magnitude,
      ...(stronger
        ? { max: magnitude, at: String(quake["place"]), time }
        : { max: known.max, at: known.at, time: known.time }),
    });
  }
  return { windows, late };
}

describe("the oracle of earthquakes", () => {
  test.each([
    ["one shard", () => 0, "0"],
    ["two shards", (network: string) => network.charCodeAt(0) % 2, "ascii(network) % 2"],
  ])("agrees with the rules followed by hand: %s", async (_, shardOf, shardSql) => {
    await database.run(
      `CREATE OR REPLACE TABLE accepted AS SELECT n, (${shardSql})::VARCHAR AS shard, (n * n + 7)::VARCHAR AS sequence FROM prepared`,
    );
    await database.run(demo.oracleSql);
    const { windows, late } = byHand(shardOf);
    expect(late.length).toBeGreaterThan(10);
    const found = await database.rows("SELECT *, epoch_ms(window_start) AS starts FROM expected_daily_quakes");
    expect(found.length).toBe(windows.size);
    for (const row of found) {
      const hand = windows.get(`${String(row["network"])} ${String(row["starts"])}`);
      expect(hand).toMatchObject({ quakes: Number(row["quakes"]), max: row["max_magnitude"], at: row["strongest_at"] });
      expect(Number(row["mean_magnitude"])).toBeCloseTo(hand!.sum / hand!.quakes, 9);
    }
    const lateIds = await database.rows("SELECT id FROM expected_late_quakes");
    expect(lateIds.map((row) => row["id"]).sort()).toEqual(late.sort());
  });
});

test("reports come in the order in which they were updated, as the pipeline's schema wants them", async () => {
  expect(quakes.length).toBe(1_707);
  expect(
    quakes.every((quake, i) => i === 0 || Number(quakes[i - 1]!["arrived_at"]) <= Number(quake["arrived_at"])),
  ).toBe(true);
  const [first] = await database.rows(`${demo.eventsSql} WHERE n = 0`);
  expect(first!["partition_key"]).toBe(quakes[0]!["network"]);
  expect(Object.keys(JSON.parse(String(first!["event"])) as object)).toEqual([
    "network",
    "id",
    "type",
    "magnitude",
    "place",
    "occurredAt",
  ]);
});
