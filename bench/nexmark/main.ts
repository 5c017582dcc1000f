import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { QUERIES } from "./queries/index.ts";
import type { NexmarkQuery } from "./queries/query.ts";
import { isRight, runQueries, type QueryResult } from "./run/nexmark.ts";

/**
 * `npm run nexmark -- q5 --events 100000 --seed 7`: runs a query of Nexmark, or `all`, over generated events in this
 * process, on streams of several shards, and compares its rows with DuckDB's. `--faults` lets processes die and hang,
 * requests fail and batches repeat themselves.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    shards: { type: "string", default: "4" },
    batch: { type: "string", default: "1000" },
    faults: { type: "boolean", default: false },
  },
});

/** The probability that a request to a store, a stream or a sink fails in some way. */
const FAULT_RATE = 0.05;

const chosen = queriesNamed(positionals);
const events = whole("events", values.events, 1);
const directory = mkdtempSync(path.join(tmpdir(), "nexmark-"));
const total = { equal: 0, missing: 0, repeated: 0, different: 0 };
let isWrong = false;
let told = performance.now();
try {
  const results = runQueries(chosen, {
    events,
    seed: whole("seed", values.seed, 0),
    shards: whole("shards", values.shards, 1),
    batch: whole("batch", values.batch, 1),
    ...(values.faults && { faultRate: FAULT_RATE }),
    directory,
    progress: ({ name }, read) => {
      if (performance.now() - told < 5_000) return;
      told = performance.now();
      console.error(`${name}: ${figure(read)} of ${figure(events)} events`);
    },
  });
  for await (const result of results) {
    for (const line of linesOf(result)) console.log(line);
    isWrong ||= !isRight(result);
    for (const count of ["equal", "missing", "repeated", "different"] as const)
      total[count] += result.comparison[count];
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(rowsLine(total));
if (isWrong) process.exitCode = 1;

function linesOf({ query, comparison, report, again }: QueryResult): readonly string[] {
  const perMillion = (report.cpuSeconds * 1_000_000) / events;
  const { records, bytes } = report.between;
  const facts = [
    `${perMillion.toFixed(1)} CPU seconds per million events`,
    `${figure(report.turns)} turns${values.faults ? ` of which ${figure(report.failedTurns)} failed` : ""}`,
    ...(records > 0 ? [`${figure(records)} records of ${(bytes / 1e6).toFixed(1)} MB between stages`] : []),
    ...(values.faults ? [`${figure(again)} rows delivered again`] : []),
  ];
  return [
    `${query.name} ${query.title}: ${facts.join(", ")}`,
    ...(report.faults.size > 0
      ? [`  faults: ${[...report.faults].map(([name, n]) => `${name} ${figure(n)}`).join(", ")}`]
      : []),
    ...(report.late > 0 ? [`  ${figure(report.late)} records came too late`] : []),
    ...report.deadLetters.slice(0, 3).map((letter) => `  dead: ${letter.slice(0, 500)}`),
    ...comparison.examples.map(
      (row) => `  ${JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value))}`,
    ),
    `  ${rowsLine(comparison)}`,
  ];
}

function rowsLine({ equal, missing, repeated, different }: typeof total): string {
  return `rows equal ${equal}, missing ${missing}, repeated ${repeated}, different ${different}`;
}

function queriesNamed(names: readonly string[]): readonly NexmarkQuery[] {
  if (names.length === 1 && names[0] === "all") return QUERIES;
  const found = names.map((name) => QUERIES.find((query) => query.name === name));
  if (found.length > 0 && found.every((query) => query !== undefined)) return found;
  throw new Error(`Say which query: all, ${QUERIES.map(({ name }) => name).join(", ")}.`);
}

function whole(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`--${name} ${text} is no whole number from ${least} on.`);
}

function figure(n: number): string {
  return n.toLocaleString("en-US");
}
