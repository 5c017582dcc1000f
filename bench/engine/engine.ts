import { parseArgs } from "node:util";
import { median, shown, spread } from "../harness/statistics.ts";
import { functionNodeVersion } from "../harness/function-node.ts";
import { besidePerMillion, checkFigures, perMillion, type CountedRun } from "../harness/per-million.ts";
import { packageVersions, writeResult } from "../harness/results.ts";
import { say } from "../harness/work.ts";
import { table } from "../affinity/tables.ts";
import { checkAnswer } from "./answer.ts";
import { departuresIn, type Departures } from "./data.ts";
import { duckdb, floor, millrace } from "./own.ts";
import { bytewax, flink, kafkaStreams, type Rivals } from "./rivals.ts";
import type { EngineRun, Subject } from "./subject.ts";

/** Figures of one subject, round by round. */
export interface EngineFigures {
  readonly name: string;
  readonly about: string;
  /** CPU seconds of a million events beyond the short run's. */
  readonly perMillion: readonly number[];
  /** The same of the processes it cannot do without. */
  readonly besidePerMillion: readonly number[];
  /** CPU seconds of the whole long run, its beginning included. */
  readonly whole: readonly number[];
  /** Wall clock of the long run, seconds: for information. */
  readonly wall: readonly number[];
  /** The most memory resident, MB. */
  readonly rss: readonly number[];
  readonly besideRss: readonly number[];
}

export interface EngineResult {
  readonly shortEvents: number;
  readonly longEvents: number;
  readonly rounds: number;
  readonly rows: number;
  readonly subjects: readonly EngineFigures[];
}

/** What a mapping may give to a turn, too: Kinesis up to 10,000 records, within 6 MB. */
const LARGE_BATCH = 4_000;

const NOT_MEASURED = [
  "Network, disks and services: Millrace commits to a changelog in memory, Flink and Bytewax snapshot to this machine's disk, Kafka Streams talks to a broker on it. What Millrace's commits cost on DynamoDB is the comparison `cost`.",
  "More than one task: every engine runs one, as its parallelism is one.",
  "Latency: all engines read a backlog.",
  "Reading the events from Kinesis, and Lambda's own time before a handler begins.",
  "Metrics and logs.",
];

/** `npm run bench -- engine`: CPU per event of whole engines on the flights job. */
export async function engine(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      warm: { type: "string", default: "200000" },
      events: { type: "string", default: "1000000" },
      only: { type: "string" },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const rounds = Number(values.rounds);
  const short = await departuresIn(Number(values.warm));
  const long = await departuresIn(Number(values.warm) + Number(values.events));
  const rivals = await peersOf(values.only);
  try {
    const own = [
      millrace("text"),
      millrace("text", LARGE_BATCH),
      millrace("packed"),
      millrace("backlog"),
      millrace("enveloped"),
      floor("text"),
      floor("enveloped"),
      duckdb(),
    ];
    const subjects = [...own, ...rivals.flatMap((rival) => rival.subjects)].filter(
      ({ name }) => values.only === undefined || new RegExp(values.only, "i").test(name),
    );
    const runs = subjects.map((): Pair[] => []);
    let rows = 0;
    for (let round = 0; round < rounds; round++) {
      // Another one begins in every round, so that none always runs in the wake of the same other.
      for (let i = 0; i < subjects.length; i++) {
        const at = (i + round) % subjects.length;
        const subject = subjects[at]!;
        say(`round ${round + 1} of ${rounds}: ${subject.name}`);
        const before = await checked(subject, short, short.count);
        const run = await checked(subject, long, short.count);
        rows = Math.max(rows, run.equal);
        runs[at]!.push({ short: before, long: run, perMillion: perMillion(subject.name, before, run) });
      }
    }
    const result: EngineResult = {
      shortEvents: short.count,
      longEvents: long.count,
      rounds,
      rows,
      subjects: subjects.map((subject, i) => figuresOf(subject, runs[i]!)),
    };
    const line = lineOf(result);
    console.log(`${engineTable(result)}\n\n${line}`);
    checkFigures(result.subjects);
    if (!values.write || values.only !== undefined) return;
    const versions = rivals.reduce((all, rival) => ({ ...all, ...rival.versions }), {
      ...functionNodeVersion(),
      ...packageVersions("zod", "@duckdb/node-api"),
    });
    await writeResult("engine", {
      figures: result,
      notMeasured: NOT_MEASURED,
      line,
      versions,
    });
  } finally {
    for (const rival of rivals) await rival.stop();
  }
}

async function peersOf(only: string | undefined): Promise<readonly Rivals[]> {
  const isWanted = (name: string) => only === undefined || new RegExp(only, "i").test(name);
  return [
    ...(["Flink", "Flink, partitioned", "Flink, a checkpoint a minute"].some(isWanted) ? [flink()] : []),
    ...(isWanted("Kafka Streams") ? [await kafkaStreams()] : []),
    ...(isWanted("Bytewax") ? [bytewax()] : []),
  ];
}

/** Runs a subject and compares what it gave, before any figure of it is used. */
async function checked(subject: Subject, departures: Departures, mark: number): Promise<Run> {
  const run = await subject.run(departures, mark);
  if (run.records !== undefined && run.records !== departures.count)
    throw new Error(`${subject.name} has read ${run.records} of ${departures.count} events.`);
  const equal = run.rows === undefined ? 0 : await checkAnswer(subject.name, departures.text, run.rows);
  return { ...run, count: departures.count, equal };
}

/** A run, and how many of its rows are DuckDB's. */
type Run = EngineRun & CountedRun & { readonly equal: number };

interface Pair {
  readonly short: Run;
  readonly long: Run;
  readonly perMillion: number;
}

function figuresOf({ name, about }: Subject, runs: readonly Pair[]): EngineFigures {
  const hasBeside = runs.some(({ long }) => long.beside !== undefined);
  return {
    name,
    about,
    perMillion: runs.map((pair) => pair.perMillion),
    besidePerMillion: hasBeside ? runs.map(({ short, long }) => besidePerMillion(short, long)) : [],
    whole: runs.map(({ long }) => long.usage.cpu),
    wall: runs.map(({ long }) => long.usage.wall),
    rss: runs.map(({ long }) => long.usage.rss),
    besideRss: hasBeside ? runs.map(({ long }) => long.beside?.rss ?? 0) : [],
  };
}

/** On a machine that has nothing else to do, rounds of the same work differ by less. */
export const QUIET = 1.25;

/** How many times as long JSON.parse of the same payloads took in one round as in another. */
export function unsteadiness(subjects: EngineResult["subjects"]): number {
  const floor = subjects.find(({ name }) => name === "floor, text")?.perMillion ?? [1];
  return Math.max(...floor) / Math.min(...floor);
}

/** Round by round, so that both sides of a ratio are of one time. */
export function ratiosOf({ subjects }: EngineResult, name: string, to: string): readonly number[] {
  const [one, other] = [name, to].map((wanted) => subjects.find((subject) => subject.name === wanted));
  if (one === undefined || other === undefined) return [];
  return one.perMillion.map((cpu, round) => cpu / other.perMillion[round]!);
}

export function engineTable(result: EngineResult): string {
  const heads = [
    "",
    "CPU s a million events",
    "times Flink",
    "times JSON.parse",
    "whole run CPU s",
    "peak MB",
    "wall s",
  ];
  const cell = (numbers: readonly number[]) => (numbers.length === 0 ? "" : spread(numbers));
  return table(
    heads,
    result.subjects.flatMap((subject) => [
      [
        subject.name,
        spread(subject.perMillion),
        cell(ratiosOf(result, subject.name, "Flink")),
        cell(ratiosOf(result, subject.name, "floor, text")),
        shown(median(subject.whole)),
        shown(median(subject.rss)),
        shown(median(subject.wall)),
      ],
      ...(subject.besidePerMillion.length === 0
        ? []
        : [
            [
              `${subject.name}: its broker`,
              spread(subject.besidePerMillion),
              "",
              "",
              "",
              shown(median(subject.besideRss)),
              "",
            ],
          ]),
    ]),
  );
}

export function lineOf(result: EngineResult): string {
  const of = (name: string, to: string) => {
    const ratios = ratiosOf(result, name, to);
    return ratios.length === 0 ? "not run" : shown(median(ratios));
  };
  return `text ${of("Millrace, text", "Flink")} x Flink, packed ${of("Millrace, packed", "Flink")} x Flink (${of("Millrace, packed, full batches", "Flink")} x in full batches), enveloped ${of("Millrace, enveloped", "Flink")} x Flink and ${of("Millrace, enveloped", "floor, enveloped")} x its floor`;
}
