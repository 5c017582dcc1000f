import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agrees, compare } from "./compare.ts";
import { Database } from "./database.ts";

let database: Database;
beforeEach(async () => {
  database = await Database.open(tmpdir());
});
afterEach(() => database.close());

const table = (name: string, rows: string): Promise<void> =>
  database.run(
    `CREATE OR REPLACE TABLE ${name} AS SELECT * FROM (VALUES ${rows}) AS t(airport, starts, flights, mean)`,
  );

const sink = { name: "hourly", rows: "windows", key: ["airport", "starts"] } as const;
const right = "('ATL', 1, 10, 1.5), ('ATL', 2, 20, 2.5), ('ORD', 1, 30, 3.5)";

describe("rows with a key", () => {
  test.each([
    ["all right", right, { equal: 3, missing: 0, repeated: 0, different: 0 }],
    [
      "a row is missing",
      "('ATL', 1, 10, 1.5), ('ATL', 2, 20, 2.5)",
      { equal: 2, missing: 1, repeated: 0, different: 0 },
    ],
    ["a row is repeated", `${right}, ('ORD', 1, 30, 3.5)`, { equal: 3, missing: 0, repeated: 1, different: 0 }],
    [
      "a row comes three times",
      `${right}, ${"('ORD', 1, 30, 3.5), ".repeat(2).slice(0, -2)}`,
      { equal: 3, missing: 0, repeated: 2, different: 0 },
    ],
    ["a value differs", right.replace("30", "31"), { equal: 2, missing: 0, repeated: 0, different: 1 }],
    [
      "a value differs a little",
      right.replace("3.5", "3.5000001"),
      { equal: 2, missing: 0, repeated: 0, different: 1 },
    ],
    ["a value is null", right.replace("3.5", "NULL"), { equal: 2, missing: 0, repeated: 0, different: 1 }],
    ["a row nobody expected", `${right}, ('SFO', 1, 1, 1)`, { equal: 3, missing: 0, repeated: 0, different: 1 }],
    ["one copy of two differs", `${right}, ('ORD', 1, 31, 3.5)`, { equal: 2, missing: 0, repeated: 1, different: 1 }],
    [
      "a row moved to another hour",
      right.replace("'ORD', 1", "'ORD', 2"),
      { equal: 2, missing: 1, repeated: 0, different: 1 },
    ],
    [
      "one missing, one repeated",
      `('ATL', 1, 10, 1.5), ('ATL', 1, 10, 1.5), ('ORD', 1, 30, 3.5)`,
      { equal: 2, missing: 1, repeated: 1, different: 0 },
    ],
  ])("%s", async (_, delivered, outcome) => {
    await table("expected_hourly", right);
    await table("hourly", delivered);
    const comparison = await compare(database, sink);
    expect(comparison).toMatchObject({ expected: 3, ...outcome });
    expect(agrees(comparison)).toBe(delivered === right);
    expect(comparison.examples.length > 0).toBe(delivered !== right);
  });

  test("nothing delivered is all missing", async () => {
    await table("expected_hourly", right);
    await database.run("CREATE TABLE hourly AS SELECT * FROM expected_hourly WHERE false");
    expect(await compare(database, sink)).toMatchObject({
      equal: 0,
      missing: 3,
      repeated: 0,
      different: 0,
      delivered: 0,
    });
  });

  test("a column may agree to a tolerance", async () => {
    await table("expected_hourly", right);
    await table("hourly", right.replace("3.5", "3.5000001"));
    expect((await compare(database, { ...sink, closeTo: { mean: 1e-6 } })).different).toBe(0);
    expect((await compare(database, { ...sink, closeTo: { mean: 1e-9 } })).different).toBe(1);
    await table("hourly", right.replace("3.5", "NULL"));
    expect((await compare(database, { ...sink, closeTo: { mean: 1e-6 } })).different).toBe(1);
  });

  test("an oracle with two rows of one key is refused", async () => {
    await table("expected_hourly", `${right}, ('ORD', 1, 1, 1)`);
    await table("hourly", right);
    await expect(compare(database, sink)).rejects.toThrow("several rows of one hourly");
  });

  test("a view without an expected column is refused", async () => {
    await table("expected_hourly", right);
    await database.run("CREATE TABLE hourly AS SELECT airport, starts, flights FROM expected_hourly");
    await expect(compare(database, sink)).rejects.toThrow("mean");
  });
});

describe("rows without a key, as a multiset", () => {
  const twins = "('ATL', 1, 10, 1.5), ('ATL', 1, 10, 1.5), ('ORD', 1, 30, 3.5)";
  test.each([
    ["twins are expected twice", twins, { equal: 3, missing: 0, repeated: 0, different: 0 }],
    [
      "one twin is missing",
      "('ATL', 1, 10, 1.5), ('ORD', 1, 30, 3.5)",
      { equal: 2, missing: 1, repeated: 0, different: 0 },
    ],
    ["a third twin", `${twins}, ('ATL', 1, 10, 1.5)`, { equal: 3, missing: 0, repeated: 1, different: 0 }],
    ["another value", twins.replace("3.5", "3.6"), { equal: 2, missing: 1, repeated: 0, different: 1 }],
  ])("%s", async (_, delivered, outcome) => {
    await table("expected_hourly", twins);
    await table("hourly", delivered);
    expect(await compare(database, { name: "hourly", rows: "rows" })).toMatchObject({ expected: 3, ...outcome });
  });
});
