import { parseArgs } from "node:util";
import { table, whole } from "../affinity/tables.ts";
import { ASSUMED } from "../affinity/assumptions.ts";
import { assumptions } from "../bill/assumptions.ts";
import { writeResult } from "../harness/results.ts";
import { median, shown } from "../harness/statistics.ts";
import { say } from "../harness/work.ts";
import { minutePipeline, type Waits } from "./readings.ts";
import { ShardSimulation, type ShardRun } from "./shard-run.ts";

/** Milliseconds where nothing else is said; [median, 99th percentile] of pairs. */
export interface StepFigures {
  readonly rate: number;
  readonly window: number;
  readonly eventsPerBatch: number;
  readonly read: readonly [number, number];
  readonly toCommit: readonly [number, number];
  readonly toDelivery: readonly [number, number];
  /** Of a batch, milliseconds of this process: the fold with decoding and packing, and all else. */
  readonly cpuFold: number;
  readonly cpuElse: number;
}

export interface WindowFigures {
  readonly disorder: number;
  readonly lateness: number;
  readonly idle: number;
  /** Seconds from a window's end to its row's delivery. */
  readonly result: readonly [number, number];
  /** The same of the windows that were open when events ceased: the least and the most. */
  readonly silent: readonly [number, number];
}

export interface LatencyResult {
  readonly steps: readonly StepFigures[];
  readonly windows: readonly WindowFigures[];
}

export const SLOWNESS = Math.max(1, assumptions.processorMemory.value / assumptions.memory.value);

const RATES = [1, 100, 700];
const WINDOWS = [0, 1, 5, 30];
const BATCH = 1_000;
const SECONDS = 600;

const NOT_MEASURED = [
  "AWS: the clock is simulated. Requests take what AWS documents (DynamoDB 5 ms, a delivery 10 ms), a shard is asked once a second, and CPU is this process's own, as slow as a function with 1,024 MB is. Networks, throttles, and Lambda's own time before a handler begins are not in it.",
  "The SDK's CPU, about 2 ms a turn (docs/cost.md), metrics, and cold starts (above).",
  "Firehose's buffer: rows are delivered when Firehose has them; files come up to five minutes later, as it is set up.",
  "Stages behind a shuffle: each adds these steps once more, with a window of its own.",
];

/** `npm run bench -- latency`: what an event waits for, step by step, and when a window's row is there. */
export async function latency(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { write: { type: "boolean", default: true } },
    allowNegative: true,
  });
  await run(50, 1, "warm-up", PROMPT, [0]);
  const result: LatencyResult = { steps: await stepFigures(), windows: await windowFigures() };
  const line = lineOf(result);
  console.log(`${stepsTable(result)}\n\n${windowsTable(result)}\n\n${line}`);
  if (values.write) await writeResult("latency", { figures: result, notMeasured: NOT_MEASURED, line, versions: {} });
}

const PROMPT: Waits = { disorder: { seconds: 0 }, allowedLateness: { seconds: 0 }, idle: { minutes: 5 } };

/** Some runs that begin at different seconds of a minute, so that windows end anywhere in a batch. */
async function run(
  rate: number,
  window: number,
  what: string,
  waits: Waits,
  phases: readonly number[] = Array.from({ length: window + 1 }, (_, i) => i),
): Promise<readonly ShardRun[]> {
  say(`${what}: ${rate} events a second, batches of ${window} s`);
  const runs: ShardRun[] = [];
  for (const phase of phases) {
    const options = { rate, window, phase, batchSize: BATCH, backlog: 0, seconds: SECONDS, slowness: SLOWNESS };
    runs.push(await new ShardSimulation({ pipeline: minutePipeline(waits), ...options }).run());
  }
  return runs;
}

async function stepFigures(): Promise<readonly StepFigures[]> {
  const figures: StepFigures[] = [];
  for (const window of WINDOWS) {
    for (const rate of RATES) {
      const runs = await run(rate, window, "steps", PROMPT, [0, 7]);
      // The first batches make the state, and V8 its code.
      const batches = runs.flatMap((one) => one.batches.slice(3));
      figures.push({
        ...{ rate, window },
        eventsPerBatch: batches.reduce((sum, { records }) => sum + records, 0) / batches.length,
        read: quantiles(batches.flatMap(({ waited }) => waited)),
        toCommit: quantiles(batches.map(({ toCommit }) => toCommit)),
        toDelivery: quantiles(batches.flatMap(({ toDelivery }) => toDelivery ?? [])),
        cpuFold: median(batches.map(({ cpu }) => cpu[1])),
        cpuElse: median(batches.map(({ cpu }) => cpu[0] + cpu[2])),
      });
    }
  }
  return figures;
}

const DECLARED = [
  { disorder: 0, lateness: 0, idle: 300 },
  { disorder: 30, lateness: 0, idle: 300 },
  { disorder: 30, lateness: 60, idle: 300 },
  { disorder: 30, lateness: 60, idle: 60 },
];

async function windowFigures(): Promise<readonly WindowFigures[]> {
  const figures: WindowFigures[] = [];
  for (const { disorder, lateness, idle } of DECLARED) {
    const waits: Waits = {
      disorder: { seconds: disorder },
      allowedLateness: { seconds: lateness },
      idle: { seconds: idle },
    };
    const runs = await run(100, 5, `disorder ${disorder} s, lateness ${lateness} s`, waits);
    const [moving, silent]: [number[], number[]] = [[], []];
    for (const { rows, batches } of runs) {
      const last = batches.at(-1)!.endedAt;
      for (const { windowEnd, deliveredAt } of rows)
        (deliveredAt <= last ? moving : silent).push((deliveredAt - windowEnd) / 1_000);
    }
    figures.push({
      ...{ disorder, lateness, idle },
      result: quantiles(moving),
      silent: [Math.min(...silent), Math.max(...silent)],
    });
  }
  return figures;
}

/** The median, and what 99 of a hundred are below. */
export type Quantiles = readonly [median: number, most: number];

export function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  return [median(sorted), sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))]!];
}

const pair = ([middle, most]: readonly [number, number]): string => `${shown(middle)}, ${shown(most)}`;
const seconds = ([a, b]: readonly [number, number]): string => pair([a / 1_000, b / 1_000]);

/** Medians, and what 99 of a hundred are below. */
export const stepsTable = ({ steps }: LatencyResult): string =>
  table(
    [
      "batches of, events a second",
      "events a batch",
      "put to read, s",
      "read to committed, ms",
      "committed to delivered and marked, ms",
      "CPU of the fold, ms",
      "other CPU, ms",
    ],
    steps.map((one) => [
      `${one.window} s, ${whole(one.rate)}`,
      shown(one.eventsPerBatch),
      seconds(one.read),
      pair(one.toCommit),
      pair(one.toDelivery),
      shown(one.cpuFold),
      shown(one.cpuElse),
    ]),
  );

export const windowsTable = ({ windows }: LatencyResult): string =>
  table(
    [
      "disorder, allowed lateness, idle: s",
      "declared waiting, s",
      "window's end to its row, s",
      "once events have ceased, s",
    ],
    windows.map(({ disorder, lateness, idle, result, silent }) => [
      `${disorder}, ${lateness}, ${idle}`,
      shown(disorder + lateness),
      pair(result),
      `${shown(silent[0])} to ${shown(silent[1])}`,
    ]),
  );

function lineOf({ steps, windows }: LatencyResult): string {
  const usual = steps.find(({ rate, window }) => rate === 100 && window === 5)!;
  const [plain] = windows;
  const ours = usual.toCommit[0] - 2 * ASSUMED.dynamodbMillis;
  return `at 100 events a second and batches of 5 s, put to read ${shown(usual.read[0] / 1_000)} s, to committed ${shown(usual.toCommit[0])} ms more (${shown(ours)} of them our CPU), to delivered ${shown(usual.toDelivery[0])} ms more; a window's row ${shown(plain!.result[0])} s after its end and what is declared`;
}
