import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { DynamoTableDeclaration } from "../connectors/dynamodb-table/declare.ts";
import { DynamoLookupTable } from "../connectors/dynamodb-table/lookup.ts";
import { runnableStage } from "../connectors/runnable-stage.ts";
import { hasRegistry } from "../connectors/kafka/declare.ts";
import { lazyWriter } from "../connectors/lazily.ts";
import type { SchemaRegistry } from "../connectors/schema-registry/registry.ts";
import type { Services } from "../connectors/services.ts";
import { sinkWriter } from "../connectors/sink-connectors.ts";
import type { SourceConnector } from "../connectors/source-connector.ts";
import { DynamoChangelog } from "../dynamodb/changelog.ts";
import { systemicError } from "../errors.ts";
import type { UnorderedSource } from "../pipeline/source.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import type { Address, Bindings } from "../plan/bindings.ts";
import { producersOf, sourceOf, stageNamed, type Stage } from "../plan/stage.ts";
import { enrichmentsOf } from "../plan/preparation-of.ts";
import { DEAD_LETTERS } from "../runtime/dead-letter.ts";
import { Breakers } from "../runtime/breakers.ts";
import type { BreakerState } from "../runtime/circuit-breaker.ts";
import type { LookupTables } from "../runtime/lookup-table.ts";
import type { Observer } from "../runtime/observer.ts";
import type { SinkWriter, SinkWriters } from "../runtime/sink-writer.ts";
import { StageRuntime } from "../runtime/stage-runtime.ts";
import { TICKS, ticksOf } from "../runtime/tick.ts";
import { UnorderedRuntime } from "../runtime/unordered/unordered-runtime.ts";
import { S3Objects } from "../s3/objects.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { stateMemoryIn } from "../state/state-memory.ts";
import { breakEvenMillis } from "./break-even.ts";
import { awsClients, SINK_ATTEMPTS } from "./clients.ts";

/** Lambda says so in every function's environment. */
const memoryBytes = (): number => Number(process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] ?? "1024") * 1_024 * 1_024;

/** What a stage's runtime is made with. */
export interface Surroundings {
  readonly services: Services;
  readonly observer: Observer;
  readonly build: string;
}

/** Joins a pipeline's stage with the resources it is bound to. */
export async function stageRuntime(
  pipeline: Pipeline,
  bindings: Bindings,
  around: Surroundings & { readonly connector: SourceConnector },
): Promise<StageRuntime> {
  const { wait } = around.services;
  return new StageRuntime({
    ...(await partsOf(pipeline, bindings, around)),
    holds: { wait, breakEven: breakEvenMillis(memoryBytes()) },
    partitions: around.connector.partitions(bindings.source.address, around.services),
    cacheBytes: stateMemoryIn(memoryBytes()),
    suspectAfter: bindings.source.suspectAfterMillis,
  });
}

/** The same for a stage whose source has no order. */
export async function unorderedRuntime(
  pipeline: Pipeline,
  bindings: Bindings,
  around: Surroundings,
): Promise<UnorderedRuntime> {
  const { idOf } = sourceOf(stageNamed(pipeline, bindings.stage)) as UnorderedSource<never>;
  return new UnorderedRuntime({ ...(await partsOf(pipeline, bindings, around)), idOf });
}

/** What every stage works with, whatever it reads. */
async function partsOf(pipeline: Pipeline, bindings: Bindings, { services, observer, build }: Surroundings) {
  const stage = stageNamed(pipeline, bindings.stage);
  const { generation, source } = bindings;
  const { aws, now, wait } = services;
  const policies = new Map(stage.sinks.flatMap(({ name, delivery }) => (delivery ? [[name, delivery] as const] : [])));
  const changed = (name: string, state: BreakerState) => observer.breaker?.(name, state);
  const breakers = new Breakers({ policies, now, jitter: Math.random, changed });
  const objects = new S3Objects(aws.of(S3Client), bindings.bucket);
  const sinkClients = awsClients(async () => (breakers.open.length > 0 ? 1 : SINK_ATTEMPTS));
  return {
    stage: runnableStage(pipeline, stage, {
      generation,
      incarnation: source.incarnation,
      schemas: await schemasOf(stage, source.address, services),
    }),
    build,
    changelog: new DynamoChangelog(aws.of(DynamoDBClient), bindings.table),
    newNonce: () => randomBytes(9).toString("base64url"),
    objects,
    writers: await writersOf(stage, bindings, { ...services, aws: sinkClients }, objects, breakers),
    breakers,
    lookups: {
      tables: tablesOf(pipeline, stage, bindings, services),
      wait: (millis: number, signal: AbortSignal) => setTimeout(millis, undefined, { signal }),
      ...(wait.left && { left: wait.left }),
    },
    observer,
    now,
  };
}

/** The schemas that a stage's source is read by, where a registry has them; loaded by stages that need it. */
async function schemasOf({ input }: Stage, address: Address, services: Services): Promise<SchemaRegistry | undefined> {
  if (input.kind !== "source" || !hasRegistry(input.source)) return undefined;
  const { schemaRegistry } = await import("../connectors/schema-registry/registry.ts");
  return schemaRegistry(address, services);
}

/** The tables that a stage's operators look up in, by the names that the pipeline has for them. */
function tablesOf(pipeline: Pipeline, stage: Stage, { lookupTables }: Bindings, { aws, wait }: Services): LookupTables {
  const client = aws.of(DynamoDBClient);
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

async function writersOf(
  stage: Stage,
  bindings: Bindings,
  services: Services,
  objects: ObjectStore,
  breakers: Breakers,
): Promise<SinkWriters> {
  const servicesOf = (sink: string): Services => ({ ...services, wait: breakers.waitOf(sink, services.wait) });
  const { deadLetterQueueUrl, tickQueueUrl, bucket } = bindings;
  const letters = lazyWriter(async () => {
    const { deadLetterWriter } = await import("../connectors/sqs/control-writers.ts");
    return deadLetterWriter(servicesOf(DEAD_LETTERS), { queueUrl: deadLetterQueueUrl, objects, bucket });
  });
  const ticksTo = (sink: string, queueUrl: string) =>
    lazyWriter(async () => {
      const { tickWriter } = await import("../connectors/sqs/control-writers.ts");
      return tickWriter(servicesOf(sink), queueUrl);
    });
  const writers = new Map<string, SinkWriter>([
    [DEAD_LETTERS, letters],
    [TICKS, ticksTo(TICKS, tickQueueUrl)],
  ]);
  for (const producer of producersOf(stage)) {
    const queueUrl = bindings.tickQueues[producer];
    if (queueUrl === undefined)
      throw unbound(`Stage "${stage.name}" reads from stage "${producer}" and has no queue of its ticks.`);
    const ticks = ticksOf(producer);
    writers.set(ticks, ticksTo(ticks, queueUrl));
  }
  for (const { stage: reader } of stage.shuffles) {
    const stream = bindings.shuffles[reader];
    if (stream === undefined)
      throw unbound(`Stage "${stage.name}" sends to stage "${reader}" and has no stream for it.`);
    const { shuffleWriter } = await import("../connectors/kinesis/shuffle.ts");
    writers.set(reader, shuffleWriter(stream, servicesOf(reader)));
  }
  for (const sink of stage.sinks) {
    const address = bindings.sinks[sink.name];
    if (address === undefined)
      throw unbound(`Stage "${stage.name}" has a sink "${sink.name}" that is bound to nothing.`);
    writers.set(sink.name, await sinkWriter(sink, address, servicesOf(sink.name)));
  }
  return writers;
}

const unbound = (message: string) =>
  systemicError({ code: "bindings/sink", message, advice: "Deploy pipeline and infrastructure together." });
