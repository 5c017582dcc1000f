import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pipeline } from "millrace";
import { afterAll, describe, expect, test } from "vitest";
import { nodesOf } from "../../lib/pipeline/topology.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { QUERIES } from "../../bench/nexmark/queries/index.ts";
import type { NexmarkQuery } from "../../bench/nexmark/queries/query.ts";
import { nexmark } from "../../bench/nexmark/queries/source.ts";
import { OTHER_FAULTS, REQUEST_FAULTS } from "../../bench/nexmark/run/faults.ts";
import { runQueries, type NexmarkOptions, type QueryResult } from "../../bench/nexmark/run/nexmark.ts";

const directory = mkdtempSync(path.join(tmpdir(), "nexmark-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function run(query: NexmarkQuery, options: Partial<NexmarkOptions> = {}): Promise<QueryResult> {
  const results = runQueries([query], { events: 3_000, seed: 5, shards: 3, batch: 200, directory, ...options });
  for await (const result of results) return result;
  throw new Error("There was no result.");
}

/** Everything that disagrees, so that a failure shows it. */
const disagreement = ({
  comparison: { missing, repeated, different, examples },
  report: { late, deadLetters },
}: QueryResult) => ({
  ...{ missing, repeated, different, late },
  examples: examples.slice(0, 5),
  deadLetters: deadLetters.slice(0, 1),
});

const NONE = { missing: 0, repeated: 0, different: 0, late: 0, examples: [], deadLetters: [] };

describe.each(QUERIES)("$name $title", (query) => {
  test("gives the rows that DuckDB gives", async () => {
    const result = await run(query);
    expect(disagreement(result)).toEqual(NONE);
    expect(result.comparison.equal).toBe(result.comparison.expected);
    expect(result.comparison.equal).toBeGreaterThan(0);
  });

  test("X1-X5, X8: gives the same rows when processes die and requests fail", async () => {
    const result = await run(query, { seed: 1, faultRate: 0.1, batch: 100 });
    expect(disagreement(result)).toEqual(NONE);
    expect(result.comparison.equal).toBe(result.comparison.expected);
    expect(result.report.failedTurns).toBeGreaterThan(0);
  });
});

describe("The comparison", () => {
  const [q0] = QUERIES;
  const { sink } = q0!;

  /** A query like q0 whose pipeline does something else. */
  function wrong(change: (bid: { price: number }, n: number) => readonly object[]): NexmarkQuery {
    let n = 0;
    const changed = pipeline("nexmark-wrong", (flow) => {
      flow
        .from(nexmark)
        .flatMap("wrong", (event) => (event.type === "bid" ? change(event, n++) : []))
        .to(sink as never);
    });
    return { ...q0!, pipeline: changed };
  }

  test.each([
    ["a row that is lost", (bid: object, n: number) => (n === 7 ? [] : [bid]), { missing: 1 }],
    ["a row that is repeated", (bid: object, n: number) => (n === 7 ? [bid, bid] : [bid]), { repeated: 1 }],
    [
      "a row that is another",
      (bid: { price: number }, n: number) => [n === 7 ? { ...bid, price: bid.price + 1 } : bid],
      { missing: 1, different: 1 },
    ],
  ])("finds %s", async (_, change, found) => {
    const { comparison } = await run(wrong(change));
    const { missing, repeated, different } = comparison;
    expect({ missing, repeated, different }).toEqual({ missing: 0, repeated: 0, different: 0, ...found });
  });

  test("takes no rows where none are expected", async () => {
    const nobody = await run({
      ...q0!,
      expectedSql: `${q0!.expectedSql} WHERE false`,
      pipeline: wrong(() => []).pipeline,
    });
    expect(disagreement(nobody)).toEqual(NONE);
  });
});

test("everything that may go wrong does, among the stages of a query", async () => {
  const q5 = QUERIES.find(({ name }) => name === "q5")!;
  expect(planStages(q5.pipeline)).toHaveLength(3);
  const { report } = await run(q5, { seed: 1, faultRate: 0.1, batch: 50 });
  expect([...report.faults.keys()].sort()).toEqual([...REQUEST_FAULTS, ...OTHER_FAULTS].sort());
});

test("every query has a sink of its own name", () => {
  for (const { name, pipeline: of } of QUERIES) expect(nodesOf(of, "sink").map((node) => node.name)).toEqual([name]);
});
