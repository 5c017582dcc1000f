import { identifier, type Database, type Row } from "./database.ts";
import type { ExpectedSink } from "./demo.ts";

/** How a sink's rows and the oracle's agree. */
export interface Comparison {
  /** Rows in the oracle's answer. */
  readonly expected: number;
  /** Rows delivered. */
  readonly delivered: number;
  /** Expected rows that were delivered, the same in every column. */
  readonly equal: number;
  /** Expected rows that were not delivered. */
  readonly missing: number;
  /** Copies of rows beyond the expected number. */
  readonly repeated: number;
  /** Rows delivered with another value than expected, and rows that nobody expected. */
  readonly different: number;
  /** The first few rows that do not agree, for the report. */
  readonly examples: readonly Row[];
}

/** Whether everything agrees, and there was something to agree on. */
export const agrees = ({ expected, delivered, equal, missing, repeated, different }: Comparison): boolean =>
  missing === 0 && repeated === 0 && different === 0 && equal === expected && delivered === expected;

/**
 * Compares the view of a sink, which has the sink's name, with the table `expected_SINK`.
 *
 * @throws when the oracle gives two rows of one key, or the view lacks one of its columns
 */
export async function compare(database: Database, sink: ExpectedSink): Promise<Comparison> {
  const described = await database.rows(`DESCRIBE ${identifier(`expected_${sink.name}`)}`);
  const columns = described.map((column) => String(column["column_name"]));
  const key = sink.key ?? columns;
  const values = columns.filter((name) => !key.includes(name));
  // No casts: what DuckDB compares of two types is the wider one, so that no difference is rounded away.
  await database.run(`
    CREATE OR REPLACE TEMP TABLE delivered AS SELECT ${columns.map(identifier).join()} FROM ${identifier(sink.name)};
    CREATE OR REPLACE TEMP TABLE expected AS SELECT * FROM ${identifier(`expected_${sink.name}`)}`);

  const keys = key.map(identifier).join();
  await database.run(`
    CREATE OR REPLACE TEMP TABLE counted AS
    SELECT ${keys}, sum(e)::BIGINT AS expected, sum(d)::BIGINT AS delivered
    FROM (SELECT ${keys}, 1 AS e, 0 AS d FROM expected UNION ALL SELECT ${keys}, 0, 1 FROM delivered)
    GROUP BY ${keys}`);
  const wrong = await changedKeys(database, { key, values, closeTo: sink.closeTo ?? {} });
  const counts = await database.row(`
    SELECT
      coalesce(sum(expected), 0)::DOUBLE AS expected,
      coalesce(sum(delivered), 0)::DOUBLE AS delivered,
      coalesce(sum(least(expected, delivered)), 0)::DOUBLE AS met,
      coalesce(sum(greatest(expected - delivered, 0)), 0)::DOUBLE AS missing,
      coalesce(sum(CASE WHEN expected > 0 THEN greatest(delivered - expected, 0) ELSE 0 END), 0)::DOUBLE AS repeated,
      coalesce(sum(CASE WHEN expected = 0 THEN delivered ELSE 0 END), 0)::DOUBLE AS unexpected,
      coalesce(max(expected), 0)::DOUBLE AS most
    FROM counted`);
  if (sink.key !== undefined && Number(counts["most"]) > 1) {
    throw new Error(`The oracle gives several rows of one ${sink.name} (${sink.key.join(", ")}).`);
  }
  const examples = await database.rows(`
    SELECT * FROM (
      SELECT CASE WHEN delivered = 0 THEN 'missing' WHEN expected = 0 THEN 'unexpected' ELSE 'number' END AS problem, *
      FROM counted WHERE expected <> delivered
      UNION ALL BY NAME
      SELECT 'different' AS problem, * FROM wrong
    ) ORDER BY ALL LIMIT 5`);
  await database.run("DROP TABLE delivered; DROP TABLE expected; DROP TABLE counted; DROP TABLE wrong");
  return {
    expected: Number(counts["expected"]),
    delivered: Number(counts["delivered"]),
    equal: Number(counts["met"]) - wrong,
    missing: Number(counts["missing"]),
    repeated: Number(counts["repeated"]),
    different: Number(counts["unexpected"]) + wrong,
    examples,
  };
}

/** Leaves the keys that have a copy with another value in a table `wrong`. @returns how many */
async function changedKeys(
  database: Database,
  { key, values, closeTo }: Required<Pick<ExpectedSink, "key" | "closeTo">> & { readonly values: readonly string[] },
): Promise<number> {
  const differs = values.map((name) => {
    const e = `e.${identifier(name)}`;
    const d = `d.${identifier(name)}`;
    const tolerance = closeTo[name];
    if (tolerance === undefined) return `${e} IS DISTINCT FROM ${d}`;
    return `coalesce(abs(${e} - ${d}) > ${tolerance} * greatest(abs(${e}), 1), ${e} IS DISTINCT FROM ${d})`;
  });
  const names = key.map(identifier);
  const same = names.map((name) => `e.${name} IS NOT DISTINCT FROM d.${name}`).join(" AND ");
  await database.run(`
    CREATE OR REPLACE TEMP TABLE wrong AS
    SELECT DISTINCT ${names.map((name) => `e.${name}`).join()}
    FROM expected e JOIN delivered d ON ${same}
    WHERE ${differs.length === 0 ? "false" : differs.join(" OR ")}`);
  const { n } = await database.row("SELECT count(*) AS n FROM wrong");
  return Number(n);
}
