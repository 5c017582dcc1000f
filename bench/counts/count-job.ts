import { createHook } from "node:async_hooks";
import type { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FirehoseWriter } from "../../lib/connectors/firehose/deliver.ts";
import type { LakeDeclaration } from "../../lib/connectors/firehose/declare.ts";
import { DynamoChangelog } from "../../lib/dynamodb/changelog.ts";
import { planStages } from "../../lib/plan/stage.ts";
import type { SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { TICKS } from "../../lib/runtime/tick.ts";
import { makeTable } from "../cost/dynamodb-local.ts";
import { countedObjects } from "../cost/counted-objects.ts";
import { counted, Tally } from "../cost/tally.ts";
import { Cluster, type ClusterReport } from "../nexmark/run/cluster.ts";
import type { CountedJob } from "./jobs.ts";

/** What a job took, by what it was: whole numbers, the same at every run. */
export type Counts = Readonly<Record<string, number>>;

/** Firehose bills every record as a multiple of so many bytes ("Amazon Data Firehose pricing", Direct PUT). */
const FIREHOSE_STEP = 5 * 1_024;

/** Messages of one SendMessageBatch. */
const SQS_BATCH = 10;

/** When the first record arrives: long after the departures, and within Nexmark's bounds, which has none. */
const START = Date.UTC(2026, 0, 1);

/** Runs a job on a DynamoDB emulator, and counts what leaves the process, and what it is billed by. */
export async function countJob(job: CountedJob, client: DynamoDBClient, table: string): Promise<Counts> {
  await makeTable(client, table, { task: "S", epoch: "N" });
  const tally = new Tally();
  const changelog = new DynamoChangelog(
    counted(client, () => tally),
    table,
  );
  const objects = countedObjects(() => tally);
  const sums = { commitBytes: 0, spills: 0, checkpoints: 0 };
  const lakes = { records: 0, kilobytes: 0 };
  const report = await runJob(job, {
    writers: lakeWriters(job, (bytes) => {
      lakes.records++;
      lakes.kilobytes += (Math.ceil(bytes / FIREHOSE_STEP) * FIREHOSE_STEP) / 1_024;
    }),
    worldOf: (world) => ({
      ...world,
      changelog,
      objects,
      writers: new Map(world.writers).set(TICKS, {
        deliver: (messages) => {
          tally.add("sqs SendMessageBatch", Math.ceil(messages.length / SQS_BATCH));
          return world.writers.get(TICKS)!.deliver(messages);
        },
      }),
    }),
    onTurn: ({ commitBytes, spilled, checkpointed }) => {
      sums.commitBytes += commitBytes;
      sums.spills += Number(spilled);
      sums.checkpoints += Number(checkpointed);
    },
  });
  return {
    turns: report.turns,
    "DynamoDB queries": tally.of("dynamodb Query", "dynamodb GetItem"),
    "DynamoDB puts": tally.of("dynamodb PutItem"),
    "DynamoDB updates": tally.of("dynamodb UpdateItem"),
    "DynamoDB write units": tally.writeUnits,
    "DynamoDB read units": tally.readUnits,
    "bytes of commits": sums.commitBytes,
    "bytes to DynamoDB and S3": tally.bytesOut,
    "bytes from DynamoDB and S3": tally.bytesIn,
    spills: sums.spills,
    checkpoints: sums.checkpoints,
    "S3 puts": tally.of("s3 PutObject"),
    "S3 gets": tally.of("s3 GetObject"),
    "SQS requests": tally.of("sqs SendMessageBatch"),
    "records between stages": report.between.records,
    "bytes between stages": report.between.bytes,
    "PUT units between stages": report.between.units,
    "Firehose records": lakes.records,
    "Firehose billed KB": lakes.kilobytes,
    "promises a thousand records": await promisesOf(job),
  };
}

async function runJob(
  { pipeline, shards, batch, events, partitionKey }: CountedJob,
  options: Pick<ConstructorParameters<typeof Cluster>[1], "writers" | "worldOf" | "onTurn">,
): Promise<ClusterReport> {
  const cluster = new Cluster(pipeline, {
    ...{ seed: 1, shards, batch, start: START },
    ...(partitionKey && { partitionKey }),
    ...options,
  });
  const report = await cluster.run(await events());
  if (report.deadLetters.length > 0) throw new Error(`${pipeline.name}: ${report.deadLetters[0]}`);
  return report;
}

/** Every lake's writer as it is deployed, with a client that takes all and tells a record's bytes. */
function lakeWriters({ pipeline }: CountedJob, take: (bytes: number) => void): ReadonlyMap<string, SinkWriter> {
  const send = async ({ input }: PutRecordBatchCommand) => {
    for (const { Data } of input.Records!) take(Data!.length);
    return { FailedPutCount: 0 };
  };
  const client = { send } as unknown as FirehoseClient;
  return new Map(
    planStages(pipeline)
      .flatMap(({ sinks }) => sinks as readonly LakeDeclaration[])
      .map((lake) => [
        lake.name,
        new FirehoseWriter({ client, lake, deliveryStream: lake.name, wait: async () => {} }),
      ]),
  );
}

/**
 * Promises that a job makes on stores in memory: what is awaited for each record shows here as thousands more, however
 * busy the machine is. Bytes allocated are not counted: they depend on when V8 optimises, and that on the clock.
 */
async function promisesOf(job: CountedJob): Promise<number> {
  let promises = 0;
  const hook = createHook({ init: (_, type) => void (promises += Number(type === "PROMISE")) });
  let records = 0;
  const events = [...(await job.events())];
  hook.enable();
  try {
    await runJob(
      { ...job, events: async () => events },
      {
        writers: lakeWriters(job, () => undefined),
        onTurn: (report) => (records += report.records),
      },
    );
  } finally {
    hook.disable();
  }
  return Math.round((promises * 1_000) / records);
}
