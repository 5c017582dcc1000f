import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DescribeStreamCommand, type DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { ListShardsCommand, MergeShardsCommand, SplitShardCommand, type KinesisClient } from "@aws-sdk/client-kinesis";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Pipeline } from "millrace";
import { inspectTasks, type TaskStatus } from "millrace/lambda";
import { DYNAMODB_STREAM } from "../../lib/connectors/dynamodb-stream/declare.ts";
import type { Bindings } from "../../lib/plan/bindings.ts";
import type { Stage } from "../../lib/plan/stage.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { shardOf, tableShardOf, type Shard } from "./shard.ts";

export interface StageClients {
  readonly kinesis: KinesisClient;
  readonly dynamodb: DynamoDBClient;
  /** Needed where a stage reads a table's stream. */
  readonly tableStreams?: DynamoDBStreamsClient;
  readonly s3: S3Client;
}

/** One stage of a deployed pipeline: the stream it reads, and its tasks. */
export class DeployedStage {
  readonly stage: Stage;
  readonly bindings: Bindings;
  readonly #pipeline: Pipeline;
  readonly #clients: StageClients;

  constructor(pipeline: Pipeline, stage: Stage, bindings: Bindings, clients: StageClients) {
    this.#pipeline = pipeline;
    this.stage = stage;
    this.bindings = bindings;
    this.#clients = clients;
  }

  get name(): string {
    return this.stage.name;
  }

  /** The name of the stream it reads. */
  get stream(): string {
    return this.bindings.source.address["stream"]!;
  }

  /** All shards that the stream ever had, in the order in which they were made. */
  async shards(): Promise<readonly Shard[]> {
    if (this.bindings.source.connector === DYNAMODB_STREAM) {
      // The local stack's streams have fewer shards than a page.
      const { StreamDescription } = await this.#clients.tableStreams!.send(
        new DescribeStreamCommand({ StreamArn: this.bindings.source.address["streamArn"] }),
      );
      return (StreamDescription?.Shards ?? []).map(tableShardOf);
    }
    const { Shards } = await this.#clients.kinesis.send(new ListShardsCommand({ StreamName: this.stream }));
    return (Shards ?? []).map(shardOf);
  }

  /** Splits a shard at a hash key; it has happened once the shards say so. */
  async split(shard: Shard, at: bigint): Promise<void> {
    const NewStartingHashKey = String(at);
    await this.#clients.kinesis.send(
      new SplitShardCommand({ StreamName: this.stream, ShardToSplit: shard.id, NewStartingHashKey }),
    );
  }

  /** Merges a shard with the one whose range follows its own. */
  async merge(lower: Shard, upper: Shard): Promise<void> {
    await this.#clients.kinesis.send(
      new MergeShardsCommand({ StreamName: this.stream, ShardToMerge: lower.id, AdjacentShardToMerge: upper.id }),
    );
  }

  /** The tasks of all shards: those of closed ones have handed over to others, and keep their own counters. */
  async tasks(): Promise<readonly TaskStatus[]> {
    const { dynamodb, s3 } = this.#clients;
    return inspectTasks({
      dynamodb,
      s3,
      bindings: this.bindings,
      pipeline: this.#pipeline,
      partitions: (await this.shards()).map(({ id }) => id),
    });
  }

  /** The names of the tasks that its input goes to now, one an open shard. */
  async taskNames(): Promise<readonly string[]> {
    const { generation, source } = this.bindings;
    const { name: stage, input } = this.stage;
    const open = (await this.shards()).filter(({ isOpen }) => isOpen);
    return open.map(({ id: partition }) =>
      taskName({
        pipeline: this.#pipeline.name,
        generation,
        stage,
        source: input.name,
        incarnation: source.incarnation,
        partition,
      }),
    );
  }
}
