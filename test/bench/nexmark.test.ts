import { readFileSync, writeFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { OUTPUT_ID } from "../../lib/connectors/firehose/declare.ts";
import { workDirectory } from "../../bench/harness/work.ts";
import { bidsIn, eventsIn } from "../../bench/nexmark/peers/events.ts";
import { checked, nexmark, nexmarkTable, type NexmarkResult } from "../../bench/nexmark/peers/nexmark.ts";
import { millrace, newRowFile } from "../../bench/nexmark/peers/subjects.ts";
import { QUERIES } from "../../bench/nexmark/queries/index.ts";
import { Oracle } from "../../bench/nexmark/run/oracle.ts";

test("a query of several stages runs in a process of its own, and its rows are DuckDB's", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  await nexmark(["--no-write", "--rounds=1", "--warm=1000", "--events=19000", "--queries=q5", "--engines=millrace"]);
  expect(log.mock.calls.flat().join("\n")).toMatch(/q5 Hot items *\| *3 \|/);
  log.mockRestore();
});

test("rows without ids count as often as they are there, so that an engine that repeats one is not compared", async () => {
  const events = eventsIn(1_000);
  const oracle = await Oracle.open(workDirectory("oracle-test"));
  try {
    await oracle.loadFile(events.file);
    const q4 = QUERIES.find(({ name }) => name === "q4")!;
    const { rows } = await millrace().run("q4", events, events.count);
    const right = readFileSync(rows[0]!, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => ({ ...(JSON.parse(line) as object), [OUTPUT_ID]: undefined }));
    const engine = (rows: readonly object[]) => ({
      ...{ name: "It", about: "", versions: {} },
      run: async () => ({
        usage: { cpu: 1, wall: 1, rss: 1 },
        rows: [rowsOf(rows)],
        ids: "without ids" as const,
        marked: events.count,
      }),
    });
    expect(right.length).toBeGreaterThan(1);
    expect((await checked(engine(right), q4, events, oracle, events.count)).equal).toBe(right.length);
    await expect(checked(engine([...right, right[0]!]), q4, events, oracle, events.count)).rejects.toThrow(
      "q4 of It gave another",
    );
    await expect(checked(engine(right.slice(1)), q4, events, oracle, events.count)).rejects.toThrow("another answer");
  } finally {
    oracle.close();
  }
});

function rowsOf(rows: readonly object[]): string {
  const file = newRowFile("test");
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

test("of every 50 events 46 are bids", () => expect(bidsIn(100)).toBe(92));

test("an engine that has not a query leaves its cell empty, and a ratio is taken within a round", () => {
  const took = (engine: string, perMillion: readonly number[]) => ({
    ...{ engine, perMillion, besidePerMillion: [], rss: [100] },
  });
  const result: NexmarkResult = {
    ...{ shortEvents: 1, longEvents: 2, rounds: 2, floor: [1] },
    engines: ["Millrace", "Flink", "Bytewax"].map((name) => ({ name, about: "" })),
    queries: [
      {
        ...{ query: "q0", title: "Pass through", rows: 9, stages: 1 },
        engines: [took("Millrace", [2, 8]), took("Flink", [1, 2])],
      },
    ],
  };
  const row = nexmarkTable(result).split("\n").at(-1)!;
  expect(row.split("|").map((cell) => cell.trim())).toEqual(
    ["", "q0 Pass through", "1", "9", "5.00 (2.00 to 8.00)", "1.50 (1.00 to 2.00)", ""].concat([
      ...["3.00 (2.00 to 4.00)", "100", "100", ""],
    ]),
  );
});
