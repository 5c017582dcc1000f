import path from "node:path";
import { agrees, compare } from "../../localstack/start/compare.ts";
import { Database, literal } from "../../localstack/start/database.ts";
import { workDirectory } from "../harness/work.ts";

const COLUMNS = `{origin: 'VARCHAR', destination: 'VARCHAR', "departedAt": 'BIGINT', delay: 'DOUBLE', distance: 'DOUBLE'}`;

/** What a file of departures must come to. */
export const answerSql = (file: string): string => `
  SELECT
    origin,
    "departedAt" - "departedAt" % 3_600_000 AS window_start,
    "departedAt" - "departedAt" % 3_600_000 + 3_600_000 AS window_end,
    count(*) AS flights,
    sum(delay) / count(*) AS mean_delay,
    max(delay) AS worst_delay
  FROM read_json(${literal(file)}, format = 'newline_delimited', columns = ${COLUMNS})
  WHERE distance >= 100
  GROUP BY ALL`;

/** The names that rows have: Millrace's are those of its lake's columns. */
const OTHER_NAMES = {
  windowStart: "window_start",
  windowEnd: "window_end",
  meanDelay: "mean_delay",
  worstDelay: "worst_delay",
};

/** Compares rows with DuckDB's answer: the same windows, the same numbers to the last bit. @returns how many @throws when they differ */
export async function checkAnswer(name: string, input: string, rows: readonly string[]): Promise<number> {
  const database = await Database.open(workDirectory("duckdb"));
  try {
    const described = await database.rows(`DESCRIBE FROM ${jsonOf(rows)}`);
    const names = new Set(described.map((column) => String(column["column_name"])));
    const renames = Object.entries(OTHER_NAMES).filter(([other]) => names.has(other));
    const columns = ["origin", "window_start", "window_end", "flights", "mean_delay", "worst_delay"].map((column) => {
      const other = renames.find(([, own]) => own === column)?.[0];
      return other === undefined ? column : `"${other}" AS ${column}`;
    });
    await database.run(`
      CREATE TEMP TABLE expected_given AS ${answerSql(input)};
      CREATE TEMP VIEW given AS SELECT ${columns.join()} FROM ${jsonOf(rows)}`);
    const comparison = await compare(database, { name: "given", rows: "rows", key: ["origin", "window_start"] });
    if (!agrees(comparison)) {
      const shown = JSON.stringify(comparison, (_, value: unknown) =>
        typeof value === "bigint" ? Number(value) : value,
      );
      throw new Error(`${name} gave another answer than DuckDB over ${path.basename(input)}: ${shown}`);
    }
    return comparison.equal;
  } finally {
    database.close();
  }
}

const jsonOf = (files: readonly string[]): string =>
  `read_json([${files.map(literal).join()}], format = 'newline_delimited')`;
