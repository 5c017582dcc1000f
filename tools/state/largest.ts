import { KinesisPartitions } from "../../lib/connectors/kinesis/partitions.ts";
import type { Clients } from "../clients.ts";
import { listLargestKeys, type LargeKey } from "../../lib/lambda/largest-keys.ts";
import type { Pipeline } from "../../lib/pipeline/topology.ts";
import { parseTaskName, type TaskId } from "../../lib/state/task-id.ts";
import type { StatePlace } from "./place.ts";

export interface LargestOptions {
  readonly place: StatePlace;
  /** The pipeline that a stage's tasks are of. */
  readonly pipelineOf: (task: Omit<TaskId, "partition">) => Promise<Pipeline>;
  readonly operator: string | undefined;
  readonly shard: string | undefined;
  readonly limit: number;
  /** Milliseconds. */
  readonly wait: (millis: number) => Promise<void>;
  readonly onTask?: (task: string) => void;
}

export interface PlacedKey extends LargeKey {
  readonly stage: string;
  readonly shard: string;
}

/** The keys that take most of a pipeline's state, largest first; of a shard that was replaced its heirs'. */
export async function largestOf({ kinesis, dynamodb, s3 }: Clients, options: LargestOptions): Promise<PlacedKey[]> {
  const { place, pipelineOf, operator, shard, limit, wait, onTask } = options;
  const found: PlacedKey[] = [];
  for (const { tasks, streamArn } of place.stages) {
    const { partition: _, ...id } = parseTaskName(`${tasks}any`);
    const pipeline = await pipelineOf(id);
    const { stage, generation, incarnation } = id;
    const bindings = { ...{ stage, generation, table: place.table, bucket: place.bucket }, source: { incarnation } };
    const shards = await new KinesisPartitions({ client: kinesis, streamArn, wait }).list();
    for (const { id: partition } of shards) {
      if (shard !== undefined && shard !== partition) continue;
      onTask?.(`${tasks}${partition}`);
      const of = { dynamodb, s3, bindings, pipeline, partition, limit, ...(operator !== undefined && { operator }) };
      found.push(...(await listLargestKeys(of)).map((key) => ({ ...key, stage, shard: partition })));
    }
    found.sort((a, b) => b.bytes - a.bytes).splice(limit);
  }
  return found;
}
