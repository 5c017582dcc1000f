import { DuckDBInstance } from "@duckdb/node-api";
import { literal } from "../../../localstack/start/database.ts";
import { answerSql } from "../answer.ts";

// A child's program: INPUT ROWS.
const [input, rows] = process.argv.slice(2) as [string, string];
const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
const connection = await instance.connect();
await connection.run(`COPY (${answerSql(input)}) TO ${literal(rows)} (FORMAT json)`);
connection.closeSync();
instance.closeSync();
