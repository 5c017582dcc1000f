import { ListShardsCommand, type KinesisClient, type ListShardsCommandOutput } from "@aws-sdk/client-kinesis";
import { infrastructureError, messageOf } from "../../errors.ts";
import type { Partition } from "../../state/partition.ts";
import type { SourcePartitions } from "../../runtime/source-partitions.ts";
import { hashRange } from "../../state/hash-range.ts";
import { isShardAtTip } from "./tip.ts";

export interface KinesisPartitionsSettings {
  readonly client: KinesisClient;
  readonly streamArn: string;
  readonly wait: (millis: number) => Promise<void>;
  /** Epoch seconds: what arrived before is read by nobody. */
  readonly startAt?: number;
}

/** The shards of a stream. */
export class KinesisPartitions implements SourcePartitions {
  readonly #settings: KinesisPartitionsSettings;

  constructor(settings: KinesisPartitionsSettings) {
    this.#settings = settings;
  }

  /** @throws infrastructure error `kinesis/shards` */
  async list(): Promise<readonly Partition[]> {
    const { client, streamArn } = this.#settings;
    const stream = streamArn.slice(streamArn.indexOf("/") + 1);
    const partitions: Partition[] = [];
    try {
      for (let next: string | undefined; ;) {
        const answer: ListShardsCommandOutput = await client.send(
          new ListShardsCommand(next === undefined ? { StreamName: stream } : { NextToken: next }),
        );
        for (const { ShardId, ParentShardId, AdjacentParentShardId, HashKeyRange } of answer.Shards ?? []) {
          partitions.push({
            id: ShardId!,
            parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined && id !== null),
            range: hashRange(HashKeyRange!.StartingHashKey!, HashKeyRange!.EndingHashKey!),
          });
        }
        next = answer.NextToken ?? undefined;
        if (next === undefined) return partitions;
      }
    } catch (cause) {
      throw infrastructureError({
        code: "kinesis/shards",
        message: `Could not list the shards of stream ${stream}: ${messageOf(cause)}`,
        cause,
      });
    }
  }

  isAtTip(partition: string, sequence: string): Promise<boolean> {
    const { streamArn, ...settings } = this.#settings;
    return isShardAtTip(settings, streamArn, partition, sequence);
  }
}
