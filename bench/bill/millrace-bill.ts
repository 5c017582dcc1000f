import { prices } from "../../lib/cdk/prices.ts";
import { assumptions } from "./assumptions.ts";
import { turnOf, type Measured, type Shape } from "./measured.ts";
import { morePrices } from "./more-prices.ts";

/** Dollars of a month, by what they are for. */
export type Bill = Readonly<Record<string, number>>;

export const totalOf = (bill: Bill): number => Object.values(bill).reduce((sum, dollars) => sum + dollars, 0);

/** How a pipeline is deployed. */
export interface Deployed {
  readonly packed: boolean;
  /** Seconds that a batch is collected. */
  readonly window: number;
  /** Records of the largest batch. */
  readonly batchSize: number;
  /** Seconds that a producer waits for events that fill a record. */
  readonly linger: number;
  /** Whether every turn writes its lines, as it does at INFO. */
  readonly logs: boolean;
  /** Of the function, MB. */
  readonly memory: number;
  /** Of the stream, at the least. */
  readonly shards: number;
  /** Whether the stream keeps records for a week, and not for a day. */
  readonly keepsWeek: boolean;
}

const MILLION = 1_000_000;
const GIGABYTE = 2 ** 30;
const DAY = 86_400;
/** A shard's (AWS: Kinesis quotas). */
const SHARD_RECORDS = 1_000;
const SHARD_BYTES = 1_000_000;

export const monthSeconds = assumptions.hours.value * 3_600;

/** What a stream of events is cut into. */
export interface Stream {
  readonly shards: number;
  /** A second, of all shards. */
  readonly records: number;
  readonly eventsPerRecord: number;
}

/** @param rate events a second @param linger seconds @param least shards */
export function streamOf(shape: Shape, rate: number, linger: number, least = 1): Stream {
  const cut = (shards: number): Stream => {
    // A record is of one shard, so it holds what came for that within the producer's patience.
    const eventsPerRecord = Math.min(shape.eventsPerRecord, Math.max(1, (rate / shards) * linger));
    return { shards, eventsPerRecord, records: rate / eventsPerRecord };
  };
  const bytesPerEvent = shape.recordBytes / shape.eventsPerRecord;
  for (let { shards, records } = cut(least); ; { shards, records } = cut(shards + 1)) {
    const capacity = shards * assumptions.filled.value;
    if (records <= capacity * SHARD_RECORDS && rate * bytesPerEvent <= capacity * SHARD_BYTES) return cut(shards);
  }
}

/** Dollars of a month of the stream alone. */
export function kinesisDollars({ shards, records }: Stream, { putUnitsPerEvent, eventsPerRecord }: Shape): number {
  const unitsPerRecord = Math.max(1, putUnitsPerEvent * eventsPerRecord);
  return (
    shards * prices.kinesisShard.dollars * assumptions.hours.value +
    (records * unitsPerRecord * monthSeconds * prices.kinesisPut.dollars) / MILLION
  );
}

/** What Millrace costs in a month at a rate of events a second. */
export function millraceBill(
  measured: Measured,
  { packed, window, batchSize, linger, logs, memory, shards: least, keepsWeek }: Deployed,
  rate: number,
): Bill {
  const shape = packed ? measured.packed : measured.single;
  const stream = streamOf(shape, rate, linger, least);
  const { shards, eventsPerRecord } = stream;
  const recordBytes = (shape.recordBytes / shape.eventsPerRecord) * eventsPerRecord;
  const fits = Math.floor(assumptions.payload.value / ((recordBytes * 4) / 3 + assumptions.envelope.value));
  // Of a shard: what a window collects, or as much as one batch may hold. Without records nothing is invoked.
  const records = Math.max(1, Math.min((stream.records / shards) * window, batchSize, fits));
  const turns = (stream.records / records) * monthSeconds;
  const turn = turnOf(shape, records * eventsPerRecord);
  const ticks = (shards * monthSeconds) / assumptions.tick.value;
  const slowness = Math.max(1, assumptions.processorMemory.value / memory);
  const millis = turn.cpuMillis * slowness + assumptions.wait.value;
  const tickMillis = turnOf(shape, 1).cpuMillis * slowness + assumptions.wait.value;
  const commits = (turns + ticks) / monthSeconds;
  return {
    Kinesis:
      kinesisDollars(stream, shape) +
      (keepsWeek ? shards * morePrices.kinesisRetention.dollars * assumptions.hours.value : 0),
    Lambda:
      ((turns + ticks) * prices.lambdaRequest.dollars) / MILLION +
      ((turns * millis + ticks * tickMillis) / 1_000) * (memory / 1_024) * prices.lambdaArm.dollars,
    DynamoDB:
      ((turns * turn.writeUnits + ticks * 2) * prices.dynamodbWrite.dollars +
        (turns * turn.readUnits + ticks) * prices.dynamodbRead.dollars) /
      MILLION,
    "DynamoDB, kept":
      ((commits * (turn.tableBytes + assumptions.itemBytes.value) * assumptions.commitDays.value * DAY) / GIGABYTE) *
      (morePrices.dynamodbStorage.dollars + morePrices.dynamodbBackup.dollars),
    "states of other containers": turns * affinityOf(shards),
    S3:
      ((turns * turn.s3Puts + assumptions.lakeFiles.value * assumptions.hours.value) * prices.s3Put.dollars +
        turns * turn.s3Gets * prices.s3Get.dollars) /
        1_000 +
      ((commits * turn.spilledBytes * assumptions.spillDays.value * DAY) / GIGABYTE) * morePrices.s3Storage.dollars,
    SQS:
      ((turns * turn.sqsRequests + ticks * 3 + assumptions.polls.value * assumptions.hours.value) *
        prices.sqsRequest.dollars) /
      MILLION,
    Firehose:
      ((turns * turn.firehoseKilobytes * 1_024) / GIGABYTE) *
      (prices.firehoseIngest.dollars + prices.firehoseConversion.dollars),
    CloudWatch:
      (logs ? (((turns + ticks) * measured.logBytes) / GIGABYTE) * morePrices.logs.dollars : 0) +
      assumptions.metrics.value * morePrices.metric.dollars +
      assumptions.alarms.value * morePrices.alarm.dollars +
      morePrices.dashboard.dollars,
  };
}

/** What a month costs in which no event comes: a shard, who asks the tick queue, alarms, and the dashboard. Metrics without values are free. */
export const idleDollars = (): number =>
  prices.kinesisShard.dollars * assumptions.hours.value +
  (assumptions.polls.value * assumptions.hours.value * prices.sqsRequest.dollars) / MILLION +
  assumptions.alarms.value * morePrices.alarm.dollars +
  morePrices.dashboard.dollars;

/** Dollars a batch that containers add which know an older state, by shards: docs/scale.md, states of 10 KB. */
const AFFINITY = [
  [1, 0.1e-6],
  [10, 1.9e-6],
  [100, 4.4e-6],
] as const;

/** Between two in proportion to the logarithm; beyond the last as there. */
export function affinityOf(shards: number): number {
  const next = AFFINITY.findIndex(([known]) => known >= shards);
  if (next === 0) return AFFINITY[0][1];
  if (next === -1) return AFFINITY.at(-1)![1];
  const [[low, from], [high, to]] = [AFFINITY[next - 1]!, AFFINITY[next]!];
  return from + ((to - from) * Math.log(shards / low)) / Math.log(high / low);
}
