import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LocalStack, StackResource } from "../types.ts";
import { Database, literal } from "./database.ts";
import { lakeOf, openLake } from "./results.ts";

let database: Database;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "lake-"));
  database = await Database.open(directory);
});
afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

const VIEW =
  'SELECT "airport", output_id FROM (SELECT "airport", output_id, row_number() OVER (PARTITION BY output_id ORDER BY output_id) AS r FROM "hourly_raw") WHERE r = 1';

const table = (TableInput: Record<string, unknown>): StackResource => ({
  logicalId: String(TableInput["Name"]),
  type: "AWS::Glue::Table",
  ref: "",
  arn: undefined,
  properties: { TableInput },
});

function stackOf(files: readonly string[], view = VIEW): LocalStack {
  const wrapped = `/* Presto View: ${Buffer.from(JSON.stringify({ originalSql: view })).toString("base64")} */`;
  const columns = [
    { Name: "airport", Type: "string" },
    { Name: "output_id", Type: "string" },
  ];
  return {
    resources: [
      table({ Name: "hourly", TableType: "VIRTUAL_VIEW", ViewOriginalText: wrapped }),
      table({
        Name: "hourly_raw",
        TableType: "EXTERNAL_TABLE",
        StorageDescriptor: { Location: "s3://lake/data/hourly/", Columns: columns },
      }),
    ],
    objectFiles: async (bucket: string, prefix: string) =>
      bucket === "lake" && prefix === "data/hourly/" ? files : [],
  } as unknown as LocalStack;
}

const write = async (name: string, rows: string): Promise<string> => {
  const file = path.join(directory, name);
  await database.run(
    `COPY (SELECT * FROM (VALUES ${rows}) AS t(airport, output_id)) TO ${literal(file)} (FORMAT parquet)`,
  );
  return file;
};

test("the shipped view hides repeats; they are counted", async () => {
  const files = [
    await write("1.parquet", "('ATL', 'a#0'), ('ORD', 'a#1')"),
    await write("2.parquet", "('ORD', 'a#1'), ('ORD', 'a#2')"),
  ];
  expect(await openLake(database, lakeOf(stackOf(files)))).toEqual([{ name: "hourly", files, rawRows: 4, repeats: 1 }]);
  expect(await database.rows("SELECT airport FROM hourly ORDER BY output_id")).toEqual([
    { airport: "ATL" },
    { airport: "ORD" },
    { airport: "ORD" },
  ]);
});

test("a table without files is empty, with its columns", async () => {
  expect(await openLake(database, lakeOf(stackOf([])))).toEqual([
    { name: "hourly", files: [], rawRows: 0, repeats: 0 },
  ]);
  expect(await database.rows("SELECT airport FROM hourly")).toEqual([]);
});

test("a view that reads no table of the stack is refused", async () => {
  await expect(openLake(database, lakeOf(stackOf([], "SELECT 1")))).rejects.toThrow("reads no table of this stack");
});
