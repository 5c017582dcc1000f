import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { DynamoTableDeclaration } from "../connectors/dynamodb-table/declare.ts";
import { DynamoLookupTable } from "../connectors/dynamodb-table/lookup.ts";
import type { LakeDeclaration } from "../connectors/firehose/declare.ts";
import { FirehoseWriter } from "../connectors/firehose/deliver.ts";
import { KinesisInternalStream } from "../connectors/kinesis/internal-stream.ts";
import { KinesisPartitions } from "../connectors/kinesis/partitions.ts";
import { runnableStage } from "../connectors/runnable-stage.ts";
import { DeadLetterWriter } from "../connectors/sqs/dead-letters.ts";
import { TickWriter } from "../connectors/sqs/ticks.ts";
import { DynamoChangelog } from "../dynamodb/changelog.ts";
import { systemicError } from "../errors.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import type { Bindings } from "../plan/bindings.ts";
import { producersOf, stageNamed, type Stage } from "../plan/stage.ts";
import { enrichmentsOf } from "../plan/preparation-of.ts";
import { DEAD_LETTERS } from "../runtime/dead-letter.ts";
import type { LookupTables } from "../runtime/lookup-table.ts";
import type { Observer } from "../runtime/observer.ts";
import type { SinkWriter, SinkWriters } from "../runtime/sink-writer.ts";
import { ShuffleWriter } from "../runtime/shuffle/writer.ts";
import { StageRuntime } from "../runtime/stage-runtime.ts";
import { TICKS, ticksOf } from "../runtime/tick.ts";
import { S3Objects } from "../s3/objects.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { stateBytesFor } from "../state/state-memory.ts";
import type { Clients } from "./clients.ts";

/** Lambda says so in every function's environment. */
const memoryBytes = (): number => Number(process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] ?? "1024") * 1_024 * 1_024;

/** Joins a pipeline's stage with the resources it is bound to. */
export function stageRuntime(
  pipeline: Pipeline,
  bindings: Bindings,
  clients: Clients,
  observer: Observer,
  build: string,
): StageRuntime {
  const stage = stageNamed(pipeline, bindings.stage);
  const { generation, source } = bindings;
  const now = Date.now;
  const wait = (millis: number): Promise<void> => setTimeout(millis);
  const objects = new S3Objects(clients.s3, bindings.bucket);
  return new StageRuntime({
    stage: runnableStage(pipeline, stage, { generation, incarnation: source.incarnation }),
    build,
    changelog: new DynamoChangelog(clients.dynamodb, bindings.table),
    objects,
    writers: writersOf(stage, bindings, clients, objects, now, wait),
    partitions: new KinesisPartitions({ client: clients.kinesis, streamArn: bindings.source.streamArn, wait }),
    lookups: {
      tables: tablesOf(pipeline, stage, bindings, clients, wait),
      wait: (millis, signal) => setTimeout(millis, undefined, { signal }),
    },
    observer,
    now,
    newNonce: () => randomBytes(9).toString("base64url"),
    cacheBytes: stateBytesFor(memoryBytes()),
    suspectAfter: bindings.source.suspectAfterMillis,
  });
}

/** The tables that a stage's operators look up in, by the names that the pipeline has for them. */
function tablesOf(
  pipeline: Pipeline,
  stage: Stage,
  { lookupTables }: Bindings,
  { dynamodb: client }: Clients,
  wait: (millis: number) => Promise<void>,
): LookupTables {
  const tables = enrichmentsOf(pipeline, stage).flatMap(({ table }) => table ?? []);
  return new Map(
    tables.map((declaration) => {
      const { name, key } = declaration as DynamoTableDeclaration;
      const table = lookupTables[name];
      if (table === undefined) throw unbound(`Stage "${stage.name}" looks up in "${name}" and has no table for it.`);
      return [name, new DynamoLookupTable({ client, table, key, wait })];
    }),
  );
}

function writersOf(
  stage: Stage,
  bindings: Bindings,
  clients: Clients,
  objects: ObjectStore,
  now: () => number,
  wait: (millis: number) => Promise<void>,
): SinkWriters {
  const { deadLetterQueueUrl, tickQueueUrl, bucket } = bindings;
  const writers = new Map<string, SinkWriter>([
    [DEAD_LETTERS, new DeadLetterWriter({ client: clients.sqs, queueUrl: deadLetterQueueUrl, objects, bucket })],
    [TICKS, new TickWriter({ client: clients.sqs, queueUrl: tickQueueUrl, now })],
  ]);
  for (const producer of producersOf(stage)) {
    const queueUrl = bindings.tickQueues[producer];
    if (queueUrl === undefined)
      throw unbound(`Stage "${stage.name}" reads from stage "${producer}" and has no queue of its ticks.`);
    writers.set(ticksOf(producer), new TickWriter({ client: clients.sqs, queueUrl, now }));
  }
  for (const { stage: reader } of stage.shuffles) {
    const stream = bindings.shuffles[reader];
    if (stream === undefined)
      throw unbound(`Stage "${stage.name}" sends to stage "${reader}" and has no stream for it.`);
    writers.set(reader, new ShuffleWriter(new KinesisInternalStream({ client: clients.kinesis, stream, wait })));
  }
  for (const sink of stage.sinks) {
    const { name } = sink;
    const deliveryStream = bindings.deliveryStreams[name];
    if (deliveryStream === undefined) {
      throw unbound(`Stage "${stage.name}" has a sink "${name}" and no delivery stream for it.`);
    }
    const lake = sink as LakeDeclaration; // no other sink has a delivery stream
    writers.set(name, new FirehoseWriter({ client: clients.firehose, lake, deliveryStream, wait }));
  }
  return writers;
}

const unbound = (message: string) =>
  systemicError({ code: "bindings/sink", message, advice: "Deploy pipeline and infrastructure together." });
