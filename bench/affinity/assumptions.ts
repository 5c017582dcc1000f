/** What the model takes from elsewhere. Times are milliseconds, sizes bytes or MB (2^20 bytes). */

/**
 * Measured by `npm run affinity -- --measure` on one core of a shared AMD EPYC machine, Node 20.20, on 2026-11-22: a
 * window operator's state, five aggregates per user (`measure.ts`). On another state and machine they differ.
 */
export const MEASURED = {
  /** Of a checkpoint object's size. */
  heapPerByte: 21.5,
  /** The most that a load takes while it runs, of the object's size. */
  loadPeakPerByte: 29,
  /** By the object's bytes: MB of it that are read into tables a second. Larger heaps are slower to fill. */
  loadRates: [
    { bytes: 12_000, rate: 11.9 },
    { bytes: 113_000, rate: 42 },
    { bytes: 1_057_000, rate: 20.5 },
    { bytes: 10_512_000, rate: 11 },
  ],
  encodeRate: 6.5,
  /** To decode and apply a commit of 3.7 KB. */
  followMillis: 0.1,
  followBytes: 3_736,
  /** Records that one core decodes, folds and commits a second: 1,000 records take 1.7 ms. */
  recordsPerSecond: 590_000,
} as const;

/** Neither measured nor promised: what AWS writes about its services, at the pessimistic end where it gives a range. */
export const ASSUMED = {
  /** "Single-digit milliseconds": Amazon DynamoDB Developer Guide, What is Amazon DynamoDB. */
  dynamodbMillis: 5,
  /** Bytes a second that one partition gives to consistent reads: 3,000 units of 4 KB (same guide, Quotas). */
  dynamodbReadRate: 3_000 * 4_096,
  /** "Roughly 100–200 milliseconds" to the first byte: Amazon S3 User Guide, Optimizing performance. */
  s3Millis: 100,
  /** "85–90 MB/s" for each concurrent request: same guide, Performance design patterns. */
  s3Rate: 85 * 1_024 * 1_024,
  /** A delivery to one sink, such as Firehose, in one request. */
  deliveryMillis: 10,
  /** MB of memory that give one processor: AWS Lambda Developer Guide, Configure function memory. */
  memoryPerProcessor: 1_769,
  /** Heap of the runtime, the SDK and a batch, MB. */
  heapAtRest: 150,
  /** The share of a function's memory that its heap may take. */
  heapShare: 0.9,
} as const;

/** Memory that a function is given, MB: the construct's default, and steps from there to Lambda's most. */
export const MEMORY_STEPS = [1_024, 1_769, 3_008, 5_120, 10_240] as const;

/** The load rate at a size: between two measured ones in proportion to the logarithm, beyond them as at the last. */
export function loadRate(bytes: number): number {
  const { loadRates } = MEASURED;
  const next = loadRates.findIndex((known) => known.bytes >= bytes);
  if (next === 0) return loadRates[0].rate;
  if (next === -1) return loadRates.at(-1)!.rate;
  const [low, high] = [loadRates[next - 1]!, loadRates[next]!];
  const share = Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes);
  return low.rate + (high.rate - low.rate) * share;
}

const MB = 1_024 * 1_024;

/** MB of memory with which a container holds one state of this size while it loads another. */
export function memoryFor(stateBytes: number): number {
  const heap = (stateBytes * (MEASURED.heapPerByte + MEASURED.loadPeakPerByte)) / MB + ASSUMED.heapAtRest;
  const memory = MEMORY_STEPS.find((step) => step * ASSUMED.heapShare >= heap);
  if (memory === undefined) throw new Error(`No function has the memory for states of ${stateBytes} bytes.`);
  return memory;
}

/** States that would fit into a container's memory beside one that is being loaded, if the library kept them. */
export function tasksThatFit(memory: number, stateBytes: number): number {
  const free = memory * ASSUMED.heapShare - ASSUMED.heapAtRest - (stateBytes * MEASURED.loadPeakPerByte) / MB;
  return Math.max(1, Math.floor((free * MB) / (stateBytes * MEASURED.heapPerByte)));
}

/** MB of memory that a container needs for `tasks` states, one of them just being loaded. */
export const memoryOf = (tasks: number, stateBytes: number): number =>
  (((tasks - 1) * MEASURED.heapPerByte + MEASURED.loadPeakPerByte) * stateBytes) / MB / ASSUMED.heapShare +
  ASSUMED.heapAtRest / ASSUMED.heapShare;
