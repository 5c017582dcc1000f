import { parseArgs } from "node:util";
import { table } from "../affinity/tables.ts";
import { bundledEntry } from "../harness/entries.ts";
import { functionNode, functionNodeVersion } from "../harness/function-node.ts";
import { metered } from "../harness/metered.ts";
import { packageVersions, writeResult } from "../harness/results.ts";
import { shown } from "../harness/statistics.ts";
import { emptyDirectory, say } from "../harness/work.ts";
import { MOST_DRAINED, TOUCHING } from "./batches.ts";

interface Rows {
  readonly count: number;
  readonly readings: number;
  readonly total: number;
}

interface Warm {
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
  /** Keys that a batch touches. */
  readonly touched: number;
  readonly turnCpu: number;
  readonly turnCpuMean: number;
  readonly deltaBytes: number;
  readonly stateBytes: number;
  /** The last one: its CPU, that of the turn which did most for it, and how many turns did something. */
  readonly checkpoint: {
    readonly bytes: number;
    readonly cpu: number;
    readonly longest: number;
    readonly turns: number;
    readonly count: number;
  };
  readonly sequence: number;
  readonly peakMegabytes: number;
  readonly rows: Rows;
}

interface Cold {
  readonly cpu: number;
  readonly wall: number;
  readonly catchUpBytes: number;
  readonly nextCpu: number;
  readonly peakMegabytes: number;
  readonly rows: Rows;
}

/** Times are milliseconds of CPU unless they say otherwise. */
export interface StateFigures extends Omit<Warm, "rows" | "sequence"> {
  readonly keys: number;
  /** Batches from one checkpoint to the next: computed, from the rule when one is due. */
  readonly batchesPerCheckpoint: number;
  /** A checkpoint's share of a batch. */
  readonly checkpointCpuPerBatch: number;
  readonly cold: Omit<Cold, "rows">;
}

export interface StateResult {
  readonly batches: number;
  readonly figures: readonly StateFigures[];
  /** The same with so much memory as a function has: its heap may take 85 % of that. */
  readonly small: {
    readonly keys: number;
    readonly megabytes: number;
    readonly peakMegabytes: number;
    readonly turnCpu: number;
  };
  /** What a state could not be, and why. */
  readonly refused: readonly { readonly keys: number; readonly message: string }[];
}

const NOT_MEASURED = [
  "The rows of more than 2,000,000 keys: of these the keys alone are counted in the end.",
  "DynamoDB and S3: objects are files, the changelog is in memory. Requests and their prices: docs/scale.md.",
  "Other states: here a key has one window of three aggregates, and its name is 12 characters.",
  "Skew: each of a batch's 1,000 records is of a key drawn evenly.",
];

/** A log shorter than this is read in a moment, however small the state: lib/runtime/commit-writer.ts. */
const SHORT_LOG = 256 * 1_024;

/** `npm run bench -- state`: what grows with the keys that are live, and what with those that are touched. */
export async function state(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      keys: { type: "string", default: "1000,10000,100000,1000000" },
      batches: { type: "string", default: "200" },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const entry = bundledEntry("state/state-entry");
  const batches = Number(values.batches);
  const figures: StateFigures[] = [];
  const refused: { keys: number; message: string }[] = [];
  for (const keys of values.keys.split(",").map(Number)) {
    say(`${keys} keys`);
    try {
      figures.push(await measured(entry, keys, batches));
    } catch (thrown) {
      const code = /state\/too-large|heap out of memory/.exec(String(thrown));
      if (code === null) throw thrown;
      refused.push({ keys, message: code[0] });
    }
  }
  say(`${SMALL.keys} keys in ${SMALL.megabytes} MB`);
  const { report } = await warmed(entry, SMALL.keys, batches, emptyDirectory("state"), [
    `--max-old-space-size=${Math.floor(0.85 * SMALL.megabytes)}`,
    `--max-semi-space-size=${Math.floor(0.05 * SMALL.megabytes)}`,
  ]);
  const small = { ...SMALL, peakMegabytes: report.peakMegabytes, turnCpu: report.turnCpuMean };
  const result: StateResult = { batches, figures, small, refused };
  const line = lineOf(result);
  console.log(`${stateTable(result)}\n\n${line}`);
  if (!values.write) return;
  await writeResult("state", {
    figures: result,
    notMeasured: NOT_MEASURED,
    line,
    versions: { ...functionNodeVersion(), ...packageVersions("msgpackr") },
  });
}

const HEAP = "--max-old-space-size=12288";

/** Seconds for a process that builds so many keys, on a machine that does other things, too. */
const secondsFor = (keys: number): number => 1_500 + keys / 2_000;

/** What a function of the least memory that is of use is to bear. */
const SMALL = { keys: 100_000, megabytes: 256 };

async function warmed(entry: string, keys: number, batches: number, directory: string, flags: readonly string[]) {
  const args = [...flags, entry, "warm", String(keys), String(batches), directory];
  const { output } = await metered(functionNode(), ["--expose-gc", ...args], { mostSeconds: secondsFor(keys) });
  const { rows, sequence, ...report } = JSON.parse(output) as Warm;
  check(keys, keys + batches * TOUCHING, rows);
  return { sequence, report };
}

async function measured(entry: string, keys: number, batches: number): Promise<StateFigures> {
  const directory = emptyDirectory("state");
  const { sequence, report } = await warmed(entry, keys, batches, directory, [HEAP]);
  const cold = ["--expose-gc", HEAP, entry, "cold", String(keys), String(sequence), directory];
  const second = await metered(functionNode(), cold, { mostSeconds: secondsFor(keys) });
  const { rows: coldRows, ...coldFigures } = JSON.parse(second.output) as Cold;
  check(keys, keys + (batches + 2) * TOUCHING, coldRows);
  const batchesPerCheckpoint = Math.max(report.checkpoint.bytes, SHORT_LOG) / report.deltaBytes;
  return {
    keys,
    ...report,
    batchesPerCheckpoint,
    checkpointCpuPerBatch: report.checkpoint.cpu / batchesPerCheckpoint,
    cold: coldFigures,
  };
}

/** All readings are in one window of each sensor, or there is nothing to print. */
function check(keys: number, readings: number, rows: Rows): void {
  const expected = keys > MOST_DRAINED ? 0 : readings; // then keys alone are counted
  if (rows.count !== keys || rows.readings !== expected)
    throw new Error(`${keys} keys: ${rows.count} rows of ${rows.readings} readings, which were ${readings}.`);
}

const kilobytes = (bytes: number): string => shown(bytes / 1_024);
const whole = (n: number): string => Math.round(n).toLocaleString("en-US");

export const stateTable = ({ figures, refused }: StateResult): string =>
  table(
    [
      "live keys",
      "heap MB",
      "peak MB",
      "keys touched",
      "batch CPU ms",
      "delta KB",
      "checkpoint KB",
      "checkpoint CPU ms",
      "in turns",
      "the longest, CPU ms",
      "batches between (computed)",
      "its CPU ms a batch",
      "cold: CPU ms",
      "cold: peak MB",
      "cold: log KB",
    ],
    [
      ...figures.map((one) => [
        whole(one.keys),
        shown(one.heapMegabytes),
        whole(one.peakMegabytes),
        whole(one.touched),
        shown(one.turnCpuMean),
        kilobytes(one.deltaBytes),
        whole(one.checkpoint.bytes / 1_024),
        shown(one.checkpoint.cpu),
        whole(one.checkpoint.turns),
        shown(one.checkpoint.longest),
        whole(one.batchesPerCheckpoint),
        shown(one.checkpointCpuPerBatch),
        whole(one.cold.cpu),
        whole(one.cold.peakMegabytes),
        whole(one.cold.catchUpBytes / 1_024),
      ]),
      ...refused.map(({ keys, message }) => [whole(keys), message, ...Array<string>(13).fill("")]),
    ],
  );

function lineOf({ figures, small }: StateResult): string {
  const last = figures.at(-1)!;
  const first = figures.find(({ touched }) => touched > 0.9 * last.touched)!; // of few keys few are touched
  const times = (of: (one: StateFigures) => number) => shown(of(last) / of(first));
  return (
    `${whole(SMALL.keys)} live windows in one task: ${whole(small.peakMegabytes)} MB at the most, of ${SMALL.megabytes}; ` +
    `from ${whole(first.keys)} to ${whole(last.keys)} live keys, as many touched: a batch's delta ` +
    `${times((one) => one.deltaBytes)} x, its CPU ${times((one) => one.turnCpuMean)} x without checkpoints, ` +
    `${times((one) => one.turnCpuMean + one.checkpointCpuPerBatch)} x with their share`
  );
}
