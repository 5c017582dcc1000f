import { ListShardsCommand, PutRecordsCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import { hashRange, type HashRange } from "../state/hash-range.ts";

/** A record to put. */
export interface PutRecord {
  readonly data: Buffer;
  readonly partitionKey: string;
}

/** What became of a record: where it is, or why it is nowhere. */
export type PutAnswer =
  | { readonly shardId: string; readonly sequenceNumber: string }
  | { readonly error: string; readonly shardId?: undefined };

/** A shard that the stream has, or had. */
export interface Shard {
  readonly id: string;
  readonly range: HashRange;
  readonly isOpen: boolean;
}

/** A stream as a producer knows it. */
export interface Transport {
  /** One request, sent once or several times. An answer for each record, in their order. */
  put(records: readonly PutRecord[]): Promise<readonly PutAnswer[]>;
  shards(): Promise<readonly Shard[]>;
}

/** A Kinesis stream. What its client's own retries repeat may be put twice. */
export function kinesisTransport(client: KinesisClient, streamName: string): Transport {
  return {
    async put(records) {
      const Records = records.map(({ data, partitionKey }) => ({ Data: data, PartitionKey: partitionKey }));
      const answer = await client.send(new PutRecordsCommand({ StreamName: streamName, Records }));
      return (answer.Records ?? []).map(({ ShardId, SequenceNumber, ErrorCode, ErrorMessage }) =>
        ShardId !== undefined && SequenceNumber !== undefined && ErrorCode === undefined
          ? { shardId: ShardId, sequenceNumber: SequenceNumber }
          : { error: `${ErrorCode ?? "no answer"}: ${ErrorMessage ?? ""}` },
      );
    },
    async shards() {
      const shards: Shard[] = [];
      for (let next: string | undefined; ;) {
        const answer = await client.send(
          new ListShardsCommand(next === undefined ? { StreamName: streamName } : { NextToken: next }),
        );
        for (const { ShardId, HashKeyRange, SequenceNumberRange } of answer.Shards ?? []) {
          shards.push({
            id: ShardId!,
            range: hashRange(HashKeyRange!.StartingHashKey!, HashKeyRange!.EndingHashKey!),
            isOpen: (SequenceNumberRange?.EndingSequenceNumber ?? null) === null,
          });
        }
        next = answer.NextToken ?? undefined;
        if (next === undefined) return shards;
      }
    },
  };
}

/** Errors of whole requests that another attempt does not mend. */
const FATAL = new Set([
  "AccessDeniedException",
  "ExpiredTokenException",
  "InvalidArgumentException",
  "InvalidSignatureException",
  "ResourceNotFoundException",
  "UnrecognizedClientException",
  "ValidationException",
]);

export const isFatal = (thrown: unknown): boolean =>
  thrown instanceof Error && (FATAL.has(thrown.name) || thrown.name.startsWith("KMS"));
