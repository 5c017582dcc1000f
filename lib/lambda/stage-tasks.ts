import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { DeadLetterWriter } from "../connectors/sqs/dead-letters.ts";
import { FirehoseWriter } from "../connectors/firehose/deliver.ts";
import { kinesisDecoder } from "../connectors/kinesis/decode.ts";
import { isShardAtTip } from "../connectors/kinesis/tip.ts";
import { TickWriter } from "../connectors/sqs/ticks.ts";
import { DynamoChangelog } from "../dynamodb/changelog.ts";
import { systemicError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { compileStage } from "../plan/compile.ts";
import type { Bindings } from "../plan/bindings.ts";
import { stageNamed } from "../plan/stage.ts";
import { CatchUp } from "../runtime/catch-up.ts";
import { CommitWriter } from "../runtime/commit-writer.ts";
import { DEAD_LETTERS } from "../runtime/dead-letter.ts";
import { Delivery } from "../runtime/delivery.ts";
import type { Observer } from "../runtime/observer.ts";
import type { SinkWriter } from "../runtime/sink-writer.ts";
import { Task } from "../runtime/task.ts";
import { TICKS } from "../runtime/tick.ts";
import { S3Objects } from "../s3/objects.ts";
import { taskName, type TaskId } from "../state/task-id.ts";
import type { Clients } from "./clients.ts";

/** An execution environment keeps the states of this many tasks; the one not used for longest goes first. */
const MAX_TASKS = 64;

/** The tasks of one stage that this execution environment has met. */
export interface StageTasks {
  idOf(partition: string): TaskId;
  taskOf(partition: string): Task;
}

/** Joins a pipeline's stage with the resources it is bound to. */
export function stageTasks(
  pipeline: Pipeline,
  bindings: Bindings,
  clients: Clients,
  observer: Observer,
  build: string,
): StageTasks {
  const stage = stageNamed(pipeline, bindings.stage);
  const { source } = stage;
  const now = Date.now;
  const wait = (millis: number): Promise<void> => setTimeout(millis);
  const newNonce = () => randomBytes(9).toString("base64url");
  const objects = new S3Objects(clients.s3, bindings.bucket);
  const changelog = new DynamoChangelog(clients.dynamodb, bindings.table);
  const program = compileStage(pipeline, stage);
  const decode = kinesisDecoder(source);
  const writers = new Map<string, SinkWriter>([
    [
      DEAD_LETTERS,
      new DeadLetterWriter({
        client: clients.sqs,
        queueUrl: bindings.deadLetterQueueUrl,
        objects,
        bucket: bindings.bucket,
      }),
    ],
    [TICKS, new TickWriter({ client: clients.sqs, queueUrl: bindings.tickQueueUrl, now })],
  ]);
  for (const { name } of stage.sinks) {
    const deliveryStream = bindings.deliveryStreams[name];
    if (deliveryStream === undefined) {
      throw systemicError({
        code: "bindings/sink",
        message: `Stage "${stage.name}" has a sink "${name}" and no delivery stream for it.`,
        advice: "Deploy pipeline and infrastructure together.",
      });
    }
    writers.set(name, new FirehoseWriter({ client: clients.firehose, deliveryStream, wait }));
  }
  const shared = {
    idle: source.idle,
    isAtTip: (id: TaskId, { sequence }: { readonly sequence: string }) =>
      isShardAtTip({ client: clients.kinesis, wait }, bindings.source.streamArn, id.partition, sequence),
    catchUp: new CatchUp(changelog, objects),
    writer: new CommitWriter({ changelog, objects, shapes: program.shapes, build, newNonce }),
    delivery: new Delivery(changelog, writers),
    observer,
    now,
    newNonce,
  };
  const idOf = (partition: string): TaskId => ({
    pipeline: pipeline.name,
    generation: bindings.generation,
    stage: stage.name,
    source: source.name,
    incarnation: bindings.source.incarnation,
    partition,
  });
  const tasks = new Map<string, Task>();
  const taskOf = (partition: string): Task => {
    const id = idOf(partition);
    const origin = { pipeline: pipeline.name, stage: stage.name, task: taskName(id), partition };
    const fold = {
      origin,
      program,
      source: source.name,
      decode,
      disorder: source.disorder,
      poisonShare: pipeline.poison.share,
      build,
    };
    const task = tasks.get(partition) ?? new Task({ ...shared, id, fold });
    tasks.delete(partition);
    tasks.set(partition, task); // the newest is last
    if (tasks.size > MAX_TASKS) tasks.delete(tasks.keys().next().value!);
    return task;
  };
  return { idOf, taskOf };
}
