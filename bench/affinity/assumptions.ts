import { stateMemoryIn } from "../../lib/state/state-memory.ts";

/** What the model takes from elsewhere. Times are milliseconds, sizes bytes or MB (2^20 bytes). */

/**
 * Measured by `npm run affinity -- --measure` on one core of a shared Intel Xeon machine, Node 20.20, on 2026-11-29: a
 * window operator's state, five aggregates per user (`measure.ts`), which from 4,096 entries on is a sorted run. On another
 * state and machine they differ.
 */
export const MEASURED = {
  /**
   * By the checkpoint object's bytes. Of each of them: what a state takes at most, with every block inflated and a third of
   * its entries changed, and what a load takes while it runs. Further MB of it that are written a second, and that are read,
   * with 1,000 entries touched.
   */
  sizes: [
    { bytes: 12_000, heapPerByte: 22.8, loadPeakPerByte: 30, encodeRate: 6.6, loadRate: 12 },
    { bytes: 134_000, heapPerByte: 11.3, loadPeakPerByte: 24, encodeRate: 3.4, loadRate: 24 },
    { bytes: 1_300_000, heapPerByte: 9.9, loadPeakPerByte: 7.0, encodeRate: 7.6, loadRate: 67 },
    { bytes: 13_070_000, heapPerByte: 9.6, loadPeakPerByte: 2.1, encodeRate: 6.7, loadRate: 221 },
  ],
  /** To decode and apply a commit of 3.1 KB. */
  followMillis: 0.14,
  followBytes: 3_149,
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

type Known = (typeof MEASURED.sizes)[number];

/** What was measured, at a size: between two sizes in proportion to the logarithm, beyond them as at the last. */
export function measuredAt(bytes: number, of: (known: Known) => number): number {
  const { sizes } = MEASURED;
  const next = sizes.findIndex((known) => known.bytes >= bytes);
  if (next === 0) return of(sizes[0]);
  if (next === -1) return of(sizes.at(-1)!);
  const [low, high] = [sizes[next - 1]!, sizes[next]!];
  const share = Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes);
  return of(low) + (of(high) - of(low)) * share;
}

const MB = 1_024 * 1_024;

/** MB that a state takes at most. */
const heapOf = (stateBytes: number): number => (stateBytes * measuredAt(stateBytes, (at) => at.heapPerByte)) / MB;

/** MB that one takes while it is loaded. */
const peakOf = (stateBytes: number): number => (stateBytes * measuredAt(stateBytes, (at) => at.loadPeakPerByte)) / MB;

/** MB of memory with which a container holds one state of this size while it loads another. */
export function memoryFor(stateBytes: number): number {
  const heap = heapOf(stateBytes) + peakOf(stateBytes) + ASSUMED.heapAtRest;
  const memory = MEMORY_STEPS.find((step) => step * ASSUMED.heapShare >= heap);
  if (memory === undefined) throw new Error(`No function has the memory for states of ${stateBytes} bytes.`);
  return memory;
}

/** States that would fit into a container's memory beside one that is being loaded, if the library kept them. */
export function tasksThatFit(memory: number, stateBytes: number): number {
  const free = memory * ASSUMED.heapShare - ASSUMED.heapAtRest - peakOf(stateBytes);
  return Math.max(1, Math.floor(free / heapOf(stateBytes)));
}

/** MB of memory that a container needs for `tasks` states, one of them just being loaded. */
export const memoryOf = (tasks: number, stateBytes: number): number =>
  ((tasks - 1) * heapOf(stateBytes) + Math.max(heapOf(stateBytes), peakOf(stateBytes)) + ASSUMED.heapAtRest) /
  ASSUMED.heapShare;

/** States that the library keeps: it lets go by what they take. */
export const tasksInMemory = (memory: number, stateBytes: number): number =>
  Math.floor(stateMemoryIn(memory) / heapOf(stateBytes));
