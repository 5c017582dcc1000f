import { parseArgs } from "node:util";
import { table } from "../affinity/tables.ts";
import { bundledEntry } from "../harness/entries.ts";
import { metered } from "../harness/metered.ts";
import { packageVersions, writeResult } from "../harness/results.ts";
import { shown } from "../harness/statistics.ts";
import { emptyDirectory, say } from "../harness/work.ts";
import { TOUCHING } from "./batches.ts";

interface Rows {
  readonly count: number;
  readonly readings: number;
  readonly total: number;
}

interface Warm {
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
  readonly turnCpu: number;
  readonly turnCpuMean: number;
  readonly deltaBytes: number;
  readonly stateBytes: number;
  readonly checkpoint: { readonly bytes: number; readonly cpu: number; readonly count: number };
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
  /** What a state could not be, and why. */
  readonly refused: readonly { readonly keys: number; readonly message: string }[];
}

const NOT_MEASURED = [
  "DynamoDB and S3: objects are files, the changelog is in memory. Requests and their prices: docs/scale.md.",
  "Other states: here a key has one window of three aggregates, and its name is 12 characters.",
  "Skew: each of a batch's 1,000 records is of a key drawn evenly, so that nearly as many keys are touched.",
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
  const result: StateResult = { batches, figures, refused };
  const line = lineOf(result);
  console.log(`${stateTable(result)}\n\n${line}`);
  if (!values.write) return;
  await writeResult("state", {
    figures: result,
    notMeasured: NOT_MEASURED,
    line,
    versions: packageVersions("msgpackr"),
  });
}

const HEAP = "--max-old-space-size=12288";

async function measured(entry: string, keys: number, batches: number): Promise<StateFigures> {
  const directory = emptyDirectory("state");
  const program = (...args: readonly string[]) => metered("node", ["--expose-gc", HEAP, entry, ...args]);
  const warm = await program("warm", String(keys), String(batches), directory);
  const { rows, sequence, ...report } = JSON.parse(warm.output) as Warm;
  check(keys, keys + batches * TOUCHING, rows);
  const second = await program("cold", String(keys), String(sequence), directory);
  const { rows: coldRows, ...cold } = JSON.parse(second.output) as Cold;
  check(keys, keys + (batches + 2) * TOUCHING, coldRows);
  const batchesPerCheckpoint = Math.max(report.checkpoint.bytes, SHORT_LOG) / report.deltaBytes;
  return {
    keys,
    ...report,
    batchesPerCheckpoint,
    checkpointCpuPerBatch: report.checkpoint.cpu / batchesPerCheckpoint,
    cold,
  };
}

/** All readings are in one window of each sensor, or there is nothing to print. */
function check(keys: number, readings: number, rows: Rows): void {
  if (rows.count !== keys || rows.readings !== readings)
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
      "batch CPU ms",
      "delta KB",
      "checkpoint KB",
      "checkpoint CPU ms",
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
        shown(one.turnCpuMean),
        kilobytes(one.deltaBytes),
        whole(one.checkpoint.bytes / 1_024),
        shown(one.checkpoint.cpu),
        whole(one.batchesPerCheckpoint),
        shown(one.checkpointCpuPerBatch),
        whole(one.cold.cpu),
        whole(one.cold.peakMegabytes),
        whole(one.cold.catchUpBytes / 1_024),
      ]),
      ...refused.map(({ keys, message }) => [whole(keys), message, ...Array<string>(10).fill("")]),
    ],
  );

function lineOf({ figures }: StateResult): string {
  const [first, last] = [figures[0]!, figures.at(-1)!];
  const times = (of: (one: StateFigures) => number) => shown(of(last) / of(first));
  return (
    `from ${whole(first.keys)} to ${whole(last.keys)} live keys, as many touched: a batch's delta ` +
    `${times((one) => one.deltaBytes)} x, its CPU ${times((one) => one.turnCpuMean)} x without checkpoints, ` +
    `${times((one) => one.turnCpuMean + one.checkpointCpuPerBatch)} x with their share`
  );
}
