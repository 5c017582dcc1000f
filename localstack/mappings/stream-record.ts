import { account } from "../template/account.ts";

/** A record of a shard, with its place in the event already written. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  /** Epoch milliseconds of its arrival at the stream. */
  readonly arrivalMillis: number;
  /** The record's element of `Records` in the event. */
  readonly json: string;
  readonly bytes: number;
}

/** A record as GetRecords gives it. */
export interface WireRecord {
  readonly SequenceNumber: string;
  readonly PartitionKey: string;
  readonly Data: string;
  /** Epoch seconds, with a fraction. */
  readonly ApproximateArrivalTimestamp: number;
}

/** Writes records of one shard in the shape of a Kinesis event (`KinesisStreamRecord` of @types/aws-lambda). */
export function recordWriter(
  streamArn: string,
  shardId: string,
  roleArn: string,
): (record: WireRecord) => StreamRecord {
  const tail = `,"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"${shardId}:`;
  const end =
    `","eventName":"aws:kinesis:record","invokeIdentityArn":${JSON.stringify(roleArn)},` +
    `"awsRegion":"${account.region}","eventSourceARN":${JSON.stringify(streamArn)}}`;
  return ({ SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp }) => {
    const key = JSON.stringify(PartitionKey);
    // Base64 and digits need no escaping.
    const json =
      `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":${key},"sequenceNumber":"${SequenceNumber}",` +
      `"data":"${Data}","approximateArrivalTimestamp":${ApproximateArrivalTimestamp}}${tail}${SequenceNumber}${end}`;
    return {
      sequenceNumber: SequenceNumber,
      arrivalMillis: ApproximateArrivalTimestamp * 1000,
      json,
      // Only the partition key can hold more than ASCII.
      bytes: json.length - key.length + Buffer.byteLength(key),
    };
  };
}

const head = '{"Records":[';
const tail = "]}";

/** Bytes of an event without records. */
export const envelopeBytes = head.length + tail.length;

export function eventOf(records: readonly StreamRecord[]): Buffer {
  return Buffer.from(head + records.map((record) => record.json).join(",") + tail);
}

/** Decimal strings of up to 128 digits: by length, then by text. */
export function compareSequence(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}
