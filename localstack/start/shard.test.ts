import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Database } from "./database.ts";
import { createLineage, shardOf, type Shard } from "./shard.ts";

const HALF = 2n ** 127n;
const LAST = 2n ** 128n - 1n;

let database: Database;
beforeAll(async () => {
  database = await Database.open(tmpdir());
});
afterAll(() => database.close());

const shard = (id: string, parents: readonly string[], from: bigint, to: bigint, isOpen = false): Shard => ({
  id,
  parents,
  from,
  to,
  isOpen,
});

test("a shard's parents, its range and whether it takes records are read as Kinesis lists them", () => {
  const HashKeyRange = { StartingHashKey: "0", EndingHashKey: String(LAST) };
  const SequenceNumberRange = { StartingSequenceNumber: "1" };
  expect(shardOf({ ShardId: "s0", HashKeyRange, SequenceNumberRange })).toEqual(shard("s0", [], 0n, LAST, true));
  expect(
    shardOf({
      ShardId: "s3",
      ParentShardId: "s1",
      AdjacentParentShardId: "s2",
      HashKeyRange,
      SequenceNumberRange: { ...SequenceNumberRange, EndingSequenceNumber: "2" },
    }),
  ).toEqual(shard("s3", ["s1", "s2"], 0n, LAST));
});

test("a key's ancestors are the shards that covered its hash before", async () => {
  const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`);
  const hashOf = (key: string) => BigInt(`0x${createHash("md5").update(key).digest("hex")}`);
  const shards = [
    shard("s0", [], 0n, HALF - 1n),
    shard("s1", [], HALF, LAST),
    shard("s2", ["s0"], 0n, HALF / 2n - 1n, true),
    shard("s3", ["s0"], HALF / 2n, HALF - 1n),
    shard("s4", ["s3", "s1"], HALF / 2n, LAST, true),
  ];
  await createLineage(database, shards, `SELECT unnest([${keys.map((key) => `'${key}'`).join()}]) AS partition_key`);
  const rows = await database.rows("SELECT partition_key, shard, ancestor FROM lineage ORDER BY ALL");
  const expected = keys.flatMap((key): string[][] => {
    const hash = hashOf(key);
    if (hash < HALF / 2n) return [[key, "s2", "s0"]];
    if (hash >= HALF) return [[key, "s4", "s1"]];
    return [
      [key, "s3", "s0"],
      [key, "s4", "s0"],
      [key, "s4", "s3"],
    ];
  });
  expect(
    rows
      .map(Object.values)
      .map((row) => row.map(String))
      .sort(),
  ).toEqual(expected.sort());
  expect(new Set(expected.map(([, at]) => at)).size).toBe(3);
});

test("without resharding there is no lineage", async () => {
  await createLineage(database, [shard("s0", [], 0n, LAST, true)], "SELECT 'k' AS partition_key");
  expect(await database.rows("FROM lineage")).toEqual([]);
});
