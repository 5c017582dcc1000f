import { PutRecordsCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import { Retries, type Wait } from "../../runtime/retries.ts";

export interface IngestRecord {
  readonly partitionKey: string;
  readonly data: Buffer;
}

/** What became of a record. */
export type Put =
  /** Where it lies. */
  | { readonly kind: "taken"; readonly shard: string; readonly sequence: string }
  /** It is not there, as its shard has no room. */
  | { readonly kind: "throttled" }
  /** It may be there, or not. */
  | { readonly kind: "unknown" };

/** Limits of one PutRecords request (AWS: Kinesis API reference). */
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1_024 * 1_024;

export interface PutSettings {
  readonly client: KinesisClient;
  readonly stream: string;
  readonly wait: Wait;
  /** Milliseconds that are waited in all for a stream without room: a client that waits knows best for how long. */
  readonly patience: number;
}

const PAUSES = { first: 50, longest: 400 };

/**
 * Puts records, those of a partition key in their order: PutRecords keeps none, so a request has one of a key. Where one is not
 * known to be there, those of its key after it are not put.
 */
export async function putInOrder(
  records: readonly IngestRecord[],
  { client, stream, wait, patience }: PutSettings,
): Promise<readonly Put[]> {
  const puts: (Put | undefined)[] = records.map(() => undefined);
  const retries = new Retries(wait, { ...PAUSES, patience });
  for (;;) {
    const batch = nextBatch(records, puts);
    if (batch.length === 0) break;
    let isThrottled = false;
    try {
      const Records = batch.map((i) => ({ PartitionKey: records[i]!.partitionKey, Data: records[i]!.data }));
      const answer = await client.send(new PutRecordsCommand({ StreamName: stream, Records }));
      batch.forEach((index, i) => {
        const { ShardId: shard, SequenceNumber: sequence } = answer.Records?.[i] ?? {};
        if (shard !== undefined && sequence !== undefined) puts[index] = { kind: "taken", shard, sequence };
        else isThrottled = true;
      });
    } catch (thrown) {
      if ((thrown as Error).name !== "ProvisionedThroughputExceededException") {
        for (const index of batch) puts[index] = { kind: "unknown" };
        break;
      }
      isThrottled = true;
    }
    if (isThrottled && !(await retries.again())) break;
  }
  return puts.map((put) => put ?? { kind: "throttled" });
}

/** The first of each key that is not there yet. */
function nextBatch(records: readonly IngestRecord[], puts: readonly (Put | undefined)[]): readonly number[] {
  const keys = new Set<string>();
  const batch: number[] = [];
  let bytes = 0;
  for (const [index, { partitionKey, data }] of records.entries()) {
    if (puts[index] !== undefined || keys.has(partitionKey)) continue;
    const size = data.length + Buffer.byteLength(partitionKey);
    if (batch.length === MAX_RECORDS || (batch.length > 0 && bytes + size > MAX_BYTES)) break;
    keys.add(partitionKey);
    batch.push(index);
    bytes += size;
  }
  return batch;
}
