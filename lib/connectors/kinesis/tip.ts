import { GetRecordsCommand, GetShardIteratorCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import { infrastructureError, messageOf } from "../../errors.ts";

/** Reads before a shard counts as not read to its tip: GetRecords may answer empty several times before it. */
const MAX_READS = 20;

/** Between two reads: a shard takes five a second from all its readers together. */
const PAUSE_MILLIS = 250;

export interface TipSettings {
  readonly client: KinesisClient;
  readonly wait: (millis: number) => Promise<void>;
  /** Epoch seconds: what arrived before is read by nobody, and does not count. */
  readonly startAt?: number;
}

/**
 * Whether a shard holds no record after a sequence number (X12).
 *
 * @param sequence empty for a task that has folded nothing
 * @throws infrastructure error `kinesis/tip`
 */
export async function isShardAtTip(
  { client, wait, startAt }: TipSettings,
  streamArn: string,
  shardId: string,
  sequence: string,
): Promise<boolean> {
  const stream = streamArn.slice(streamArn.indexOf("/") + 1);
  try {
    const start = await client.send(
      new GetShardIteratorCommand({
        StreamName: stream,
        ShardId: shardId,
        ...(sequence === ""
          ? startOf(startAt)
          : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: sequence }),
      }),
    );
    let iterator = start.ShardIterator;
    for (let read = 0; read < MAX_READS; read++) {
      const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: 1 }));
      if ((answer.Records?.length ?? 0) > 0) return false;
      // A closed shard that has given all gives no further iterator.
      if (answer.NextShardIterator === undefined || answer.NextShardIterator === null) return true;
      if (answer.MillisBehindLatest === 0) return true;
      iterator = answer.NextShardIterator;
      await wait(PAUSE_MILLIS);
    }
    return false;
  } catch (cause) {
    throw infrastructureError({
      code: "kinesis/tip",
      message: `Could not read shard ${shardId} of stream ${stream}: ${messageOf(cause)}`,
      cause,
    });
  }
}

/** Where a task begins that has folded nothing. */
const startOf = (startAt: number | undefined) =>
  startAt === undefined
    ? { ShardIteratorType: "TRIM_HORIZON" as const }
    : { ShardIteratorType: "AT_TIMESTAMP" as const, Timestamp: new Date(startAt * 1_000) };
