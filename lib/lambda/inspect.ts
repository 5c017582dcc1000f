import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import { DynamoChangelog } from "../dynamodb/changelog.ts";
import { systemicError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import type { Bindings } from "../plan/bindings.ts";
import { stageNamed } from "../plan/stage.ts";
import { isDelivered } from "../runtime/delivery.ts";
import { S3Objects } from "../s3/objects.ts";
import { decodeCommit, isSpilled } from "../state/commit.ts";
import { Counters, type OperatorCounts } from "../state/counters.ts";
import type { Position } from "../state/position.ts";
import { taskName } from "../state/task-id.ts";

/** How far a task has come, as its head says. */
export interface TaskStatus {
  readonly task: string;
  /** Zero for a task without commits. */
  readonly epoch: number;
  readonly position: Position | undefined;
  readonly watermark: number | undefined;
  /** Whether the partition was split or merged, and its state handed over. */
  readonly sealed: boolean;
  /** Whether the head's outputs are known to be delivered. */
  readonly delivered: boolean;
  /** What became of records since the task began: exact, since it is committed with the state. */
  readonly counters: ReadonlyMap<string, OperatorCounts>;
}

export interface Inspection {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly bindings: Bindings;
  readonly pipeline: Pipeline;
  /** Shard ids. */
  readonly partitions: readonly string[];
}

/** Reads the heads of a stage's tasks. For tools: costs a query each. */
export async function inspectTasks({
  dynamodb,
  s3,
  bindings,
  pipeline,
  partitions,
}: Inspection): Promise<TaskStatus[]> {
  const changelog = new DynamoChangelog(dynamodb, bindings.table);
  const objects = new S3Objects(s3, bindings.bucket);
  const stage = stageNamed(pipeline, bindings.stage);
  return Promise.all(
    partitions.map(async (partition): Promise<TaskStatus> => {
      const task = taskName({
        pipeline: pipeline.name,
        generation: bindings.generation,
        stage: stage.name,
        source: stage.input.name,
        incarnation: bindings.source.incarnation,
        partition,
      });
      const { item, commits } = await changelog.newest(task, { from: 1, limit: 1 });
      const head = commits[0];
      if (head === undefined) {
        return {
          task,
          epoch: 0,
          position: undefined,
          watermark: undefined,
          sealed: false,
          delivered: true,
          counters: new Map(),
        };
      }
      const body = isSpilled(head.body) ? await objects.get(head.body.key) : head.body;
      if (body === undefined)
        throw systemicError({
          code: "state/gone",
          message: `The spilled body of commit ${head.epoch} of ${task} is missing.`,
        });
      const { header } = decodeCommit(head, body, task);
      const counters = new Counters();
      counters.restore(header.counters);
      return {
        task,
        epoch: head.epoch,
        position: header.position,
        watermark: header.watermark,
        sealed: header.sealed !== undefined,
        delivered: head.sinks.length === 0 || isDelivered(item, head.epoch),
        counters: counters.byOperator(),
      };
    }),
  );
}
