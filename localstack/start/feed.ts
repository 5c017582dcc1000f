import type { PutRecordsRequestEntry, PutRecordsResultEntry } from "@aws-sdk/client-kinesis";

export interface FeedEvent {
  readonly n: number;
  readonly partitionKey: string;
  readonly event: string;
}

/** One event's place in the stream, as the stream gave it. */
export interface Accepted {
  readonly n: number;
  readonly shard: string;
  readonly sequence: string;
}

export interface FeedOptions {
  /** Sends one PutRecords request and does not repeat it: a lost answer must be seen. */
  readonly put: (records: PutRecordsRequestEntry[]) => Promise<readonly PutRecordsResultEntry[]>;
  readonly onAccepted: (accepted: readonly Accepted[]) => Promise<void> | void;
  readonly sleep: (millis: number) => Promise<void>;
  readonly now: () => number;
  /** Events per second; without it, no limit but {@link FeedOptions.mayPut}. */
  readonly rate?: number | undefined;
  /** Resolves when the stack can take more: so that a long backlog does not become the latency. */
  readonly mayPut?: (pushed: number) => Promise<void>;
}

// AWS: PutRecords takes up to 500 records and 5 MiB of data and partition keys.
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1_024 * 1_024;

/**
 * Pushes events in their order, one request after the other. Records that the stream refuses are put
 * again, behind what was accepted meanwhile; so the order that counts is that of the answers.
 *
 * @returns how many events were accepted: all
 */
export async function feed(events: AsyncIterable<FeedEvent>, options: FeedOptions): Promise<number> {
  const began = options.now();
  let pushed = 0;
  for await (const batch of batches(events, batchSize(options.rate))) {
    if (options.rate !== undefined) {
      const early = began + (pushed / options.rate) * 1_000 - options.now();
      if (early > 0) await options.sleep(early);
    }
    await options.mayPut?.(pushed);
    await putAll(batch, options);
    pushed += batch.length;
  }
  return pushed;
}

async function putAll(batch: readonly FeedEvent[], { put, onAccepted, sleep }: FeedOptions): Promise<void> {
  let left = batch;
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt > 0) await sleep(Math.min(50 * 2 ** attempt, 1_000));
    const results = await put(
      left.map(({ partitionKey, event }) => ({ PartitionKey: partitionKey, Data: Buffer.from(event) })),
    );
    if (results.length !== left.length)
      throw new Error(`PutRecords answered ${results.length} of ${left.length} records.`);
    const accepted: Accepted[] = [];
    const refused: FeedEvent[] = [];
    left.forEach((event, i) => {
      const { ShardId: shard, SequenceNumber: sequence } = results[i]!;
      if (shard === undefined || sequence === undefined) refused.push(event);
      else accepted.push({ n: event.n, shard, sequence });
    });
    await onAccepted(accepted);
    left = refused;
  }
}

/** A low rate is kept by small requests rather than by long pauses. */
const batchSize = (rate: number | undefined): number =>
  rate === undefined ? MAX_RECORDS : Math.max(1, Math.min(MAX_RECORDS, Math.ceil(rate / 20)));

async function* batches(events: AsyncIterable<FeedEvent>, most: number): AsyncGenerator<readonly FeedEvent[]> {
  let batch: FeedEvent[] = [];
  let bytes = 0;
  let last = -1;
  for await (const event of events) {
    if (event.n <= last)
      throw new Error(`Event ${event.n} comes after event ${last}: the prepared events are out of order.`);
    last = event.n;
    const size = Buffer.byteLength(event.event) + Buffer.byteLength(event.partitionKey);
    if (batch.length === most || (batch.length > 0 && bytes + size > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
