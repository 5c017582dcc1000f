import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import { runnableStage } from "../connectors/runnable-stage.ts";
import { DynamoChangelog } from "../dynamodb/changelog.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import type { Bindings } from "../plan/bindings.ts";
import { tablesOf } from "../plan/compile.ts";
import { stageNamed } from "../plan/stage.ts";
import { CatchUp } from "../runtime/catch-up.ts";
import { LoadedTask } from "../runtime/loaded-task.ts";
import { S3Objects } from "../s3/objects.ts";
import { decodeKey, type KeyValues } from "../state/key.ts";
import { largestKeys, operatorOf, type KeySize } from "../state/state-size.ts";
import { taskName } from "../state/task-id.ts";

export interface LargestKeysOptions {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  readonly bindings: Pick<Bindings, "stage" | "generation" | "table" | "bucket"> & {
    readonly source: Pick<Bindings["source"], "incarnation">;
  };
  readonly pipeline: Pipeline;
  /** A shard's id. */
  readonly partition: string;
  /** One operator's state only. @default all operators' */
  readonly operator?: string;
  /** @default 20 */
  readonly limit?: number;
}

/** What a key takes of an operator's state in one task. */
export interface LargeKey extends Pick<KeySize, "operator" | "entries" | "bytes"> {
  /** Empty for what is the task's own: operator state. */
  readonly key: KeyValues;
}

const NO_KEY = "";

/**
 * Loads a task's state and lists the keys that take most of it, largest first; none for a task whose shard was split or
 * merged, as its heirs have its state. For tools: it reads what a cold start
 * reads, and changes nothing.
 *
 * @throws what loading throws: docs/operations.md, section "A damaged commit or checkpoint"
 */
export async function listLargestKeys(options: LargestKeysOptions): Promise<readonly LargeKey[]> {
  const { dynamodb, s3, bindings, pipeline, partition, operator: wanted, limit = 20 } = options;
  const stage = stageNamed(pipeline, bindings.stage);
  const runnable = runnableStage(pipeline, stage, {
    generation: bindings.generation,
    incarnation: bindings.source.incarnation,
  });
  const task = taskName({ ...runnable, partition });
  const catchUp = new CatchUp(new DynamoChangelog(dynamodb, bindings.table), new S3Objects(s3, bindings.bucket), {
    turn: () => undefined,
    notice: () => undefined,
  });
  const origin = { pipeline: pipeline.name, stage: stage.name, task, partition };
  const { task: loaded } = await catchUp.run(task, undefined, () => new LoadedTask({ ...runnable, origin, build: "" }));
  if (loaded.state.sealed !== undefined) return [];
  const tables = tablesOf(pipeline, stage);
  const keyCodeOf = (table: string, key: string) => {
    const description = tables.get(table);
    return description?.unite === undefined ? description?.keyCodeOf(key) : NO_KEY;
  };
  const state = loaded.state.snapshot().filter(([name]) => wanted === undefined || operatorOf(name) === wanted);
  return largestKeys(state, keyCodeOf, limit).map(({ operator, keyCode, entries, bytes }) => ({
    operator,
    key: keyCode === NO_KEY ? {} : decodeKey(tables.get(operator)!.keyFields, keyCode),
    entries,
    bytes,
  }));
}
