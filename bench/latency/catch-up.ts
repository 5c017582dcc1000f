import { parseArgs } from "node:util";
import { table, whole } from "../affinity/tables.ts";
import { assumptions } from "../bill/assumptions.ts";
import { writeResult } from "../harness/results.ts";
import { shown } from "../harness/statistics.ts";
import { say } from "../harness/work.ts";
import { SLOWNESS } from "./latency.ts";
import { minutePipeline } from "./readings.ts";
import { ShardSimulation, type ShardRun } from "./shard-run.ts";

export interface CatchUpFigures {
  readonly rate: number;
  readonly backlog: number;
  readonly batchSize: number;
  /** Until what is unread is no more than a batch's window brings. */
  readonly batches: number;
  readonly events: number;
  readonly seconds: number;
  readonly cpu: number;
  /** GB-seconds of the function. */
  readonly gigabyteSeconds: number;
  readonly eventsPerBatchAfter: number;
}

export interface CatchUpResult {
  readonly figures: readonly CatchUpFigures[];
}

const WINDOW = 5;
const AFTER = 120;

const NOT_MEASURED = [
  "AWS: the clock is simulated, as in latency; a shard gives 2 MB a second, and records have 100 bytes. A batch is read once the one before is done, which Lambda may do sooner.",
  "The SDK's CPU, about 2 ms a turn, metrics, loading a large state (docs/scale.md), and cold starts.",
  "Several shards: each catches up by itself, at the same time.",
  "Late records: event time follows arrival here, so that a backlog makes none.",
];

/** `npm run bench -- catch-up`: how long a function takes to read what has gathered while nobody read. */
export async function catchUp(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { write: { type: "boolean", default: true } },
    allowNegative: true,
  });
  const figures: CatchUpFigures[] = [];
  await figuresOf(100, 60, 1_000); // V8's code is made
  for (const batchSize of [1_000, 8_000]) {
    for (const rate of [100, 700])
      for (const backlog of [60, 600, 3_600]) figures.push(await figuresOf(rate, backlog, batchSize));
  }
  const result: CatchUpResult = { figures };
  const line = lineOf(result);
  console.log(`${catchUpTable(result)}\n\n${line}`);
  if (values.write) await writeResult("catch-up", { figures: result, notMeasured: NOT_MEASURED, line, versions: {} });
}

async function figuresOf(rate: number, backlog: number, batchSize: number): Promise<CatchUpFigures> {
  say(`${backlog} s behind at ${rate} events a second, ${batchSize} a batch`);
  const pipeline = minutePipeline({ disorder: { seconds: 30 }, allowedLateness: { minutes: 1 }, idle: { minutes: 5 } });
  const options = { pipeline, rate, backlog, batchSize, window: WINDOW, seconds: AFTER, slowness: SLOWNESS };
  return { rate, backlog, batchSize, ...caughtUp(await new ShardSimulation(options).run(0), rate) };
}

/** @throws when it never does */
export function caughtUp(
  { batches }: Pick<ShardRun, "batches">,
  rate: number,
): Omit<CatchUpFigures, "rate" | "backlog" | "batchSize"> {
  const last = batches.findIndex(({ unread }) => unread <= rate * (WINDOW + 1));
  if (last === -1) throw new Error(`${rate} events a second are more than a shard's function reads.`);
  const [until, after] = [batches.slice(0, last + 1), batches.slice(last + 1)];
  const sum = (of: (batch: (typeof batches)[number]) => number) => until.reduce((total, one) => total + of(one), 0);
  return {
    batches: until.length,
    events: sum(({ records }) => records),
    seconds: (until.at(-1)!.endedAt - until[0]!.readAt) / 1_000,
    cpu: sum(({ cpu }) => cpu[0] + cpu[1] + cpu[2]) / 1_000,
    gigabyteSeconds: (sum(({ readAt, endedAt }) => endedAt - readAt) / 1_000) * (assumptions.memory.value / 1_024),
    eventsPerBatchAfter: after.reduce((total, { records }) => total + records, 0) / after.length,
  };
}

export const catchUpTable = ({ figures }: CatchUpResult): string =>
  table(
    [
      "records a batch at most, events a second, behind",
      "batches",
      "events a batch",
      "s until caught up",
      "CPU s",
      "GB-s",
      "events a batch after that",
    ],
    figures.map((one) => [
      `${whole(one.batchSize)}, ${whole(one.rate)}, ${one.backlog / 60} min`,
      whole(one.batches),
      whole(one.events / one.batches),
      shown(one.seconds),
      shown(one.cpu),
      shown(one.gigabyteSeconds),
      whole(one.eventsPerBatchAfter),
    ]),
  );

function lineOf({ figures }: CatchUpResult): string {
  const of = (batchSize: number) =>
    figures.find((one) => one.batchSize === batchSize && one.rate === 700 && one.backlog === 3_600)!;
  const text = ({ batchSize, seconds, batches }: CatchUpFigures) =>
    `${shown(seconds)} s in ${whole(batches)} batches of up to ${whole(batchSize)}`;
  return `an hour behind at 700 events a second: caught up in ${text(of(1_000))}, ${text(of(8_000))}`;
}
