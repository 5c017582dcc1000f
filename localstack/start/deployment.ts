import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from "@aws-sdk/client-kinesis";
import { S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { Pipeline } from "millrace";
import { inspectTasks, type TaskStatus } from "millrace/lambda";
import { BINDINGS_VARIABLE, readBindings, type Bindings } from "../../lib/plan/bindings.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { stageNamed } from "../../lib/plan/stage.ts";
import type { LocalStack } from "../types.ts";
import type { FeedOptions } from "./feed.ts";
import { shardOf, type Shard } from "./shard.ts";

/** The deployed pipeline as an operator sees it: its stream, its tick queue, its tasks. */
export class Deployment {
  readonly stack: LocalStack;
  readonly pipeline: Pipeline;
  readonly bindings: Bindings;
  readonly #kinesis: KinesisClient;
  readonly #sqs: SQSClient;
  readonly #dynamodb: DynamoDBClient;
  readonly #s3: S3Client;

  constructor(stack: LocalStack, pipeline: Pipeline) {
    this.stack = stack;
    this.pipeline = pipeline;
    this.bindings = bindingsOf(stack);
    const common = {
      region: stack.environment["AWS_REGION"] ?? "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    };
    // No retries: a put whose answer was lost may have been accepted, and then nobody would know where.
    // Node's HTTP/1 handler: the default one of Kinesis speaks HTTP/2, which the emulator does not.
    this.#kinesis = new KinesisClient({
      ...common,
      endpoint: stack.endpoints.kinesis,
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(),
    });
    this.#sqs = new SQSClient({ ...common, endpoint: stack.endpoints.sqs });
    this.#dynamodb = new DynamoDBClient({ ...common, endpoint: stack.endpoints.dynamodb, maxAttempts: 10 });
    this.#s3 = new S3Client({ ...common, endpoint: stack.endpoints.s3, forcePathStyle: true, maxAttempts: 10 });
  }

  readonly put: FeedOptions["put"] = async (records) => {
    const { Records } = await this.#kinesis.send(
      new PutRecordsCommand({ StreamName: this.bindings.source.stream, Records: records }),
    );
    return Records ?? [];
  };

  /** All shards that the stream ever had, in the order in which they were made. */
  async shards(): Promise<readonly Shard[]> {
    const { Shards } = await this.#kinesis.send(new ListShardsCommand({ StreamName: this.bindings.source.stream }));
    return (Shards ?? []).map(shardOf);
  }

  /** Splits a shard at a hash key; it has happened once the shards say so. */
  async split(shard: Shard, at: bigint): Promise<void> {
    const StreamName = this.bindings.source.stream;
    const NewStartingHashKey = String(at);
    await this.#kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: shard.id, NewStartingHashKey }));
  }

  /** Merges a shard with the one whose range follows its own. */
  async merge(lower: Shard, upper: Shard): Promise<void> {
    const StreamName = this.bindings.source.stream;
    await this.#kinesis.send(
      new MergeShardsCommand({ StreamName, ShardToMerge: lower.id, AdjacentShardToMerge: upper.id }),
    );
  }

  /** The tasks of all shards: those of closed ones have handed over to others, and keep their own counters. */
  async tasks(): Promise<readonly TaskStatus[]> {
    return inspectTasks({
      dynamodb: this.#dynamodb,
      s3: this.#s3,
      bindings: this.bindings,
      pipeline: this.pipeline,
      partitions: (await this.shards()).map(({ id }) => id),
    });
  }

  /** The names of the tasks that the input goes to now, one an open shard. */
  async taskNames(): Promise<readonly string[]> {
    const { pipeline, bindings } = this;
    const { name: stage, input } = stageNamed(pipeline, bindings.stage);
    const { generation } = bindings;
    const { incarnation } = bindings.source;
    const open = (await this.shards()).filter(({ isOpen }) => isOpen);
    return open.map(({ id: partition }) =>
      taskName({ pipeline: pipeline.name, generation, stage, source: input.name, incarnation, partition }),
    );
  }

  /** An operator's word that the input of a task has ended (X12). */
  async drain(task: string): Promise<void> {
    const MessageBody = JSON.stringify({ type: "drain", task });
    await this.#sqs.send(new SendMessageCommand({ QueueUrl: this.bindings.tickQueueUrl, MessageBody }));
  }

  close(): void {
    for (const client of [this.#kinesis, this.#sqs, this.#dynamodb, this.#s3]) client.destroy();
  }
}

/** The bindings of the stack's only stage. */
function bindingsOf(stack: LocalStack): Bindings {
  const stages = stack.resources.flatMap(({ type, properties }) => {
    if (type !== "AWS::Lambda::Function") return [];
    const { Variables } = (properties["Environment"] ?? {}) as {
      readonly Variables?: Readonly<Record<string, string>>;
    };
    return Variables?.[BINDINGS_VARIABLE] === undefined ? [] : [readBindings(Variables)];
  });
  const [only] = stages;
  if (only === undefined || stages.length > 1)
    throw new Error(`The stack has ${stages.length} stages; this command feeds one.`);
  return only;
}
