import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { table, whole } from "../affinity/tables.ts";
import { metered } from "../harness/metered.ts";
import { packageVersions, writeResult } from "../harness/results.ts";
import { shown } from "../harness/statistics.ts";
import { ROOT, say } from "../harness/work.ts";
import { Processes } from "./processes.ts";

/** One run of `npm start`. */
export interface LocalRun {
  readonly events: number;
  /** Seconds of the clock, from the first push to the last commit. */
  readonly committed: number;
  /** Seconds of the clock, from start to end. */
  readonly wall: number;
  /** Seconds of CPU by what a process is. */
  readonly byKind: Readonly<Record<string, number>>;
  readonly invocations: number;
  /** Bytes that functions logged. */
  readonly logBytes: number;
}

export interface LocalResult {
  readonly shards: number;
  readonly runs: readonly [short: LocalRun, long: LocalRun];
}

const NOT_MEASURED = [
  "AWS: emulators in JavaScript stand for it, on the same processors as the functions.",
  "More rounds: the two lengths ran once each, on a machine that others use too.",
  "What a process took in its last quarter of a second: figures are a little too small.",
];

const SHARDS = 2;

/** Milliseconds between two looks at the processes. */
const LOOK = 250;

/** `npm run bench -- local`: what events cost in all of `npm start`, whose rows are compared with DuckDB's. */
export async function local(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: "string", default: "20000" },
      long: { type: "string", default: "120000" },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const result: LocalResult = {
    shards: SHARDS,
    runs: [await start(Number(values.short)), await start(Number(values.long))],
  };
  const line = lineOf(result);
  console.log(`${localTable(result)}\n\n${line}`);
  if (!values.write) return;
  const versions = packageVersions("kinesalite", "dynalite", "fauxqs", "@duckdb/node-api");
  await writeResult("local", { figures: result, notMeasured: NOT_MEASURED, line, versions });
}

async function start(events: number): Promise<LocalRun> {
  say(`npm start -- --events ${events}`);
  const processes = new Processes(process.pid);
  const timer = setInterval(() => processes.sample(), LOOK);
  try {
    const { usage, output } = await metered(
      "node",
      [...["--import", "tsx", "localstack/start/main.ts"], ...["--events", String(events), "--shards", String(SHARDS)]],
      { cwd: ROOT },
    );
    return { events, wall: usage.wall, byKind: processes.byKind, ...readOutput(output) };
  } finally {
    clearInterval(timer);
  }
}

/** @throws when the rows were not DuckDB's, or the output says nothing of what is read here */
export function readOutput(output: string): Pick<LocalRun, "committed" | "invocations" | "logBytes"> {
  const found = (pattern: RegExp) => {
    const match = pattern.exec(output);
    if (match === null) throw new Error(`npm start did not print ${String(pattern)}:\n${output}`);
    return match[1]!;
  };
  found(/missing 0, repeated 0, (different 0)\s*$/);
  const perSecond = Number(found(/committed .*: ([\d,]+) a second/).replaceAll(",", ""));
  const committed = Number(found(/committed +([\d,]+) +in/).replaceAll(",", "")) / perSecond;
  const logs = path.join(ROOT, path.dirname(found(/local stack +(\S+)/)), "stack/logs");
  return {
    committed,
    invocations: Number(found(/Lambda +([\d,]+) /).replaceAll(",", "")),
    logBytes: logBytesIn(logs),
  };
}

/** What functions print at their start is not counted: that is Node's, and of this machine's version. */
const logBytesIn = (directory: string): number =>
  readdirSync(directory)
    .map((name) => path.join(directory, name))
    .filter((file) => statSync(file).size > 0)
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .filter((line) => line.startsWith("{"))
    .reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);

const perMillion = (short: number, long: number, events: number): number => ((long - short) * 1_000_000) / events;

/** Synthesis takes as long for one event as for a million. */
const ONCE = "synthesis";

const cpuOf = ({ byKind }: LocalRun): number =>
  Object.entries(byKind).reduce((sum, [kind, cpu]) => sum + (kind === ONCE ? 0 : cpu), 0);

/** What events take, by process. */
export function localTable({ runs: [short, long] }: LocalResult): string {
  const more = long.events - short.events;
  const kinds = Object.keys(long.byKind)
    .filter((kind) => kind !== ONCE && long.byKind[kind]! >= 0.05)
    .sort((a, b) => long.byKind[b]! - long.byKind[a]!);
  const row = (name: string, [less, all]: readonly [number, number], perEvent = true) => [
    name,
    shown(less),
    shown(all),
    perEvent ? shown(perMillion(less, all, more)) : "",
  ];
  const both = (of: (run: LocalRun) => number) => [of(short), of(long)] as const;
  return table(
    ["", `${whole(short.events)} events`, `${whole(long.events)} events`, "a million events more"],
    [
      ...kinds.map((kind) =>
        row(
          `CPU s: ${kind}`,
          both(({ byKind }) => byKind[kind] ?? 0),
        ),
      ),
      row("CPU s: all of these", both(cpuOf)),
      row(
        "CPU s: synthesis, once",
        both(({ byKind }) => byKind[ONCE] ?? 0),
        false,
      ),
      row(
        "s of the clock, from start to end",
        both(({ wall }) => wall),
        false,
      ),
      row(
        "s of the clock, from the first push to the last commit",
        both(({ committed }) => committed),
      ),
    ],
  );
}

const rateOf = ({ events, committed }: LocalRun): number => events / committed;

/** Bytes that a function logs in an invocation. */
export const logBytesOf = ({ runs: [, long] }: LocalResult): number => long.logBytes / long.invocations;

function lineOf(result: LocalResult): string {
  const [short, long] = result.runs;
  return `npm start: ${whole(rateOf(long))} events a second, ${shown(perMillion(cpuOf(short), cpuOf(long), long.events - short.events))} CPU s a million events, ${shown(logBytesOf(result) / 1_000)} KB of logs an invocation`;
}
