import { prices } from "../../lib/cdk/prices.ts";
import { ASSUMED, MEASURED, measuredAt } from "./assumptions.ts";
import type { BatchCounts } from "./task-model.ts";

/** Of one batch. Without Kinesis, Firehose, SQS and logs, which cost the same wherever a batch runs, and storage. */
export interface BatchCost {
  /** Milliseconds: what a turn takes when nothing is read but the head, and what reading and checkpoints add. */
  readonly turnMillis: number;
  readonly loadMillis: number;
  readonly checkpointMillis: number;
  /** Dollars. */
  readonly dynamodbReads: number;
  readonly dynamodbWrites: number;
  readonly s3: number;
  readonly lambda: number;
  /** The part of the dollars that a container which always has the newest state would not cost. */
  readonly affinity: number;
  readonly total: number;
}

const MILLION = 1_000_000;
const MB = 1_024 * 1_024;
const readUnit = prices.dynamodbRead.dollars / MILLION;
const writeUnit = prices.dynamodbWrite.dollars / MILLION;
const get = prices.s3Get.dollars / 1_000;
const put = prices.s3Put.dollars / 1_000;

/** Dollars of a millisecond with so many MB of memory. */
const millisecond = (memory: number): number => ((memory / 1_024) * prices.lambdaArm.dollars) / 1_000;

/** How much longer what one core does takes with this memory: beyond one processor it is no faster. */
const slowness = (memory: number): number => Math.max(1, ASSUMED.memoryPerProcessor / memory);

export interface CostSettings {
  readonly stateBytes: number;
  /** Of the function, MB. */
  readonly memory: number;
  readonly records: number;
}

export function costOf(counts: BatchCounts, { stateBytes, memory, records }: CostSettings): BatchCost {
  const folding = (records / MEASURED.recordsPerSecond) * 1_000 * slowness(memory);
  // The query, the put and the mark; and the delivery between them.
  const turnMillis = 3 * ASSUMED.dynamodbMillis + ASSUMED.deliveryMillis + folding;
  const loadMillis = loadMillisOf(counts, stateBytes, memory);
  const checkpointMillis = checkpointMillisOf(counts, stateBytes, memory) + counts.spillPuts * ASSUMED.s3Millis;
  const dynamodbReads = counts.readUnits * readUnit;
  const dynamodbWrites = counts.writeUnits * writeUnit;
  const s3 = (counts.checkpointGets + counts.spillGets) * get + (counts.checkpointPuts + counts.spillPuts) * put;
  const perMillisecond = millisecond(memory);
  const lambda = prices.lambdaRequest.dollars / MILLION + (turnMillis + loadMillis + checkpointMillis) * perMillisecond;
  const affinity =
    (counts.readUnits - counts.headUnits) * readUnit +
    (counts.checkpointGets + counts.spillGets) * get +
    counts.checkpointPuts * put +
    (loadMillis + checkpointMillis - counts.spillPuts * ASSUMED.s3Millis) * perMillisecond;
  const total = dynamodbReads + dynamodbWrites + s3 + lambda;
  return { turnMillis, loadMillis, checkpointMillis, dynamodbReads, dynamodbWrites, s3, lambda, affinity, total };
}

/** Milliseconds a batch spends on reading what its container did not know. */
function loadMillisOf(counts: BatchCounts, stateBytes: number, memory: number): number {
  const requests =
    (counts.queries - 1) * ASSUMED.dynamodbMillis + (counts.checkpointGets + counts.spillGets) * ASSUMED.s3Millis;
  const transfer =
    ((counts.readUnits - counts.headUnits) * 4_096) / ASSUMED.dynamodbReadRate + counts.loadedBytes / ASSUMED.s3Rate;
  const loading = counts.loadedBytes / MB / measuredAt(stateBytes, (at) => at.loadRate);
  const following = (counts.catchUpBytes / MEASURED.followBytes) * MEASURED.followMillis;
  return requests + transfer * 1_000 + (loading * 1_000 + following) * slowness(memory);
}

function checkpointMillisOf(counts: BatchCounts, stateBytes: number, memory: number): number {
  if (counts.checkpointPuts === 0) return 0;
  const encoding = (stateBytes / MB / measuredAt(stateBytes, (at) => at.encodeRate)) * 1_000 * slowness(memory);
  const transfer = ASSUMED.s3Millis + (stateBytes / ASSUMED.s3Rate) * 1_000;
  return counts.checkpointPuts * (encoding + transfer + 2 * ASSUMED.dynamodbMillis);
}

/**
 * Dollars that a batch saves by putting before it reads: a container that has the newest state needs no query, one
 * whose state is stale pays for a put that fails, folds again, and reads as before. Cold ones have nothing to put.
 *
 * @param shares of batches; what is left is warm
 */
export function savedByOptimism(
  { commitUnits, headUnits }: Pick<BatchCounts, "commitUnits" | "headUnits">,
  shares: { readonly stale: number; readonly cold: number },
  { memory, records }: CostSettings,
): number {
  const perMillisecond = millisecond(memory);
  const saved = headUnits * readUnit + ASSUMED.dynamodbMillis * perMillisecond;
  const folding = (records / MEASURED.recordsPerSecond) * 1_000 * slowness(memory);
  const lost = commitUnits * writeUnit + (ASSUMED.dynamodbMillis + folding) * perMillisecond;
  return (1 - shares.stale - shares.cold) * saved - shares.stale * lost;
}

/** The share of stale containers, among those that know the task, from which an optimistic put loses money. */
export function optimismBreaksEven(
  counts: Pick<BatchCounts, "commitUnits" | "headUnits">,
  settings: CostSettings,
): number {
  const saved = savedByOptimism(counts, { stale: 0, cold: 0 }, settings);
  const lost = -savedByOptimism(counts, { stale: 1, cold: 0 }, settings);
  return saved / (saved + lost);
}
