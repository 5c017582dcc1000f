import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { bigint, lake, nullable, text, timestamp } from "millrace";
import { beforeAll, describe, expect, test } from "vitest";
import { viewSql } from "../../lib/connectors/firehose/view.ts";

// Field names that are words of SQL, and in camel case.
const orders = lake("orders", { order: text, group: nullable(text), windowStart: timestamp, select: bigint });

describe("X8: the shipped view hides repeats", () => {
  let connection: DuckDBConnection;
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();

  beforeAll(async () => {
    connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run(
      `CREATE TABLE orders_raw ("order" VARCHAR, "group" VARCHAR, window_start TIMESTAMP, "select" BIGINT, output_id VARCHAR)`,
    );
    await connection.run(`INSERT INTO orders_raw VALUES
      ('a', 'x', '2001-01-01', 1, 't@1#0'), ('a', 'x', '2001-01-01', 1, 't@1#0'), ('a', 'x', '2001-01-01', 1, 't@1#0'),
      ('b', NULL, '2001-01-01', 2, 't@1#1'),
      ('b', NULL, '2001-01-01', 2, 't@2#0')`);
    await connection.run(`CREATE VIEW orders AS ${viewSql(orders)}`);
  });

  test("a row delivered three times is one row", async () => {
    expect(await rowsOf(`SELECT count(*)::INTEGER AS n FROM orders WHERE output_id = 't@1#0'`)).toEqual([{ n: 1 }]);
  });

  test("rows that look the same and were sent twice on purpose stay two", async () => {
    expect(await rowsOf(`SELECT count(*)::INTEGER AS n FROM orders WHERE "order" = 'b'`)).toEqual([{ n: 2 }]);
  });

  test("its columns are the declared ones and the output id, in their order", async () => {
    const names = (await rowsOf("DESCRIBE orders")).map((row) => row["column_name"]);
    expect(names).toEqual(["order", "group", "window_start", "select", "output_id"]);
  });

  test("it is plain SQL that Athena has too: one statement, double-quoted names, no QUALIFY", () => {
    const sql = viewSql(orders);
    expect(sql).not.toMatch(/[;`]|QUALIFY|EXCLUDE|::/);
    expect(sql).toContain(`FROM "orders_raw"`);
  });
});
