import type { JsonClient } from "../gateway/json-client.ts";
import { KinesisShardReader, type ShardReader } from "./shard-reader.ts";
import { recordWriter, type StreamRecord, type WireRecord } from "./stream-record.ts";

export interface ListedShard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
  readonly AdjacentParentShardId?: string;
}

/** What a mapping reads: a Kinesis stream, or a table's. */
export interface ShardSource {
  list(signal: AbortSignal): Promise<readonly ListedShard[]>;
  reader(shardId: string): ShardReader;
  /** Writes a shard's records as they are in an event. */
  writer(shardId: string): (record: WireRecord) => StreamRecord;
}

/** @param arn `arn:…:stream/NAME` */
export function kinesisShards(client: JsonClient, arn: string, roleArn: string): ShardSource {
  const StreamName = arn.split("stream/")[1] ?? "";
  return {
    list: async (signal) => {
      const output = await client.call("ListShards", { StreamName }, signal);
      return (output as { readonly Shards: readonly ListedShard[] }).Shards;
    },
    reader: (shardId) => new KinesisShardReader(client, StreamName, shardId),
    writer: (shardId) => recordWriter(arn, shardId, roleArn),
  };
}
