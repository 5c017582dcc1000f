import type { KinesisStreamEvent, KinesisStreamRecord } from "aws-lambda";
import { systemicError } from "../errors.ts";
import type { IncomingRecord } from "../runtime/record.ts";

/** One partition's records of an event, in their order. */
export interface PartitionRecords {
  readonly partition: string;
  readonly records: readonly IncomingRecord[];
}

/**
 * A mapping's Kinesis event as records by shard.
 *
 * @throws systemic error `kinesis/other-stream` when another stream's mapping invokes the function
 */
export function recordsByShard(event: KinesisStreamEvent, streamArn: string): readonly PartitionRecords[] {
  const shards = new Map<string, IncomingRecord[]>();
  for (const record of event.Records) {
    if (record.eventSourceARN !== streamArn) {
      throw systemicError({
        code: "kinesis/other-stream",
        message: `The function is bound to ${streamArn}, and was invoked with records of ${record.eventSourceARN}.`,
        advice: "One mapping per source: remove the other one.",
      });
    }
    const shard = shardOf(record);
    const records = shards.get(shard);
    if (records === undefined) shards.set(shard, [recordOf(record)]);
    else records.push(recordOf(record));
  }
  return [...shards].map(([partition, records]) => ({ partition, records }));
}

// eventID is `shardId-…:sequenceNumber`
const shardOf = ({ eventID }: KinesisStreamRecord): string => eventID.slice(0, eventID.indexOf(":"));

const recordOf = ({ kinesis }: KinesisStreamRecord): IncomingRecord => ({
  position: { sequence: kinesis.sequenceNumber, index: 0 },
  arrival: Math.round(kinesis.approximateArrivalTimestamp * 1_000),
  partitionKey: kinesis.partitionKey,
  base64: kinesis.data,
});
