import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BatchWriteItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { pipelines } from "../../infra/pipelines.ts";
import { buildWithout, bundleOptions, unusedBy } from "../../lib/cdk/bundle.ts";
import { DynamoChangelog } from "../../lib/dynamodb/changelog.ts";
import { keyOf } from "../../lib/dynamodb/items.ts";
import { BINDINGS_VARIABLE, type Bindings } from "../../lib/plan/bindings.ts";
import { runnableStage } from "../../lib/connectors/runnable-stage.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { CommitWriter } from "../../lib/runtime/commit-writer.ts";
import { LoadedTask } from "../../lib/runtime/loaded-task.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { S3Objects } from "../../lib/s3/objects.ts";
import { createChangelogTable, startDynamoDb, startS3, startShardList } from "../../test/support/emulators.ts";
import { table } from "../affinity/tables.ts";
import { bundledEntry } from "../harness/entries.ts";
import { functionNode, functionNodeVersion } from "../harness/function-node.ts";
import { metered } from "../harness/metered.ts";
import { SHARD } from "../harness/one-task.ts";
import { packageVersions, writeResult } from "../harness/results.ts";
import { median, shown, spread } from "../harness/statistics.ts";
import { emptyDirectory, ROOT, say } from "../harness/work.ts";
import { BUILDING, Readings, TOUCHING } from "../state/batches.ts";
import readings, { totals } from "../state/readings.ts";
import { loadFigures, loadsTable, type LoadFigures } from "./loads.ts";
import { sizesOf, type BundleSizes } from "./sizes.ts";

const SIZED = ["aggregate-flight-delays", "rank-routes", "track-earthquakes"].map(
  (name) => `functions/${name}/handler.ts`,
);

const MEGABYTE = 2 ** 20;

/** Commits since the checkpoint that a process meets beside it, in the case with a log. */
const LOG = 16;

/** One start of a process, round by round: milliseconds. */
export interface StartFigures {
  readonly name: string;
  /** CPU of what there is before anything of ours: Node itself. */
  readonly nodeCpu: readonly number[];
  /** CPU of loading the bundle. */
  readonly loadCpu: readonly number[];
  /** CPU of the first invocation, to its commit and the answer. */
  readonly firstCpu: readonly number[];
  readonly secondCpu: readonly number[];
  /** The clock from the process's beginning to the answer of the first: for information. */
  readonly wall: readonly number[];
  readonly rss: readonly number[];
}

export interface BundleResult {
  readonly sizes: readonly BundleSizes[];
  readonly rounds: number;
  /** Of the checkpoint that is loaded. */
  readonly checkpointBytes: number;
  readonly keys: number;
  readonly starts: readonly StartFigures[];
  /** Loading alone, of bundles of several sizes. */
  readonly loads?: readonly LoadFigures[];
}

const NOT_MEASURED = [
  "Lambda: fetching and unpacking the code, starting the environment, its slower and shared processor below 1,769 MB of memory.",
  "The network: DynamoDB and S3 are emulators on this machine, whose own CPU is not counted.",
  "TLS: the emulators speak plain HTTP, and Node's client for that, which the SDK does not load on AWS, is loaded before.",
  "Node's compile cache, and snapshots: none is used.",
];

const STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/readings";

/** `npm run bench -- bundle`: what a function weighs, and what it takes from its start to its first commit. */
export async function bundle(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "7" },
      keys: { type: "string", default: "700000" }, // about 10 MB
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const rounds = Number(values.rounds);
  const sized = pipelines.filter(({ handler }) => SIZED.includes(handler));
  const sizes = sized.map(({ handler, pipeline }) => sizesOf(handler, pipeline));
  const directory = emptyDirectory("bundle");
  const options = { ...bundleOptions(path.join(ROOT, "bench/bundle/handler.ts"), ROOT), outdir: directory };
  const { outputFiles } = buildWithout(options, unusedBy(planStages(readings)));
  for (const file of outputFiles) writeFileSync(file.path, file.contents);
  const program = bundledEntry("bundle/cold-entry");
  const [dynamodb, s3, kinesis] = await Promise.all([startDynamoDb(), startS3(), startShardList([SHARD])]);
  const aws = {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_KINESIS: kinesis.endpoint,
    POWERTOOLS_DEV: "false",
  };
  Object.assign(process.env, aws);
  const clients = { table: new DynamoDBClient({}), objects: new S3Client({ forcePathStyle: true }) };
  await clients.objects.send(new CreateBucketCommand({ Bucket: "state" }));
  try {
    say(`building a state of ${values.keys} keys, twice`);
    const large = await buildState(clients, Number(values.keys), { table: "large", log: 0 });
    const logged = await buildState(clients, Number(values.keys), { table: "logged", log: LOG });
    const name = `${shown(large.bytes / MEGABYTE)} MB of state, ${large.keys.toLocaleString("en-US")} keys`;
    const kinds = [
      { name: "no state", source: new Readings(), keys: 1_000 },
      { name, ...large },
      { name: `the same, and ${LOG} commits since`, ...logged },
    ];
    const figures = kinds.map(({ name }) => ({
      name,
      ...{ nodeCpu: [] as number[], loadCpu: [] as number[], firstCpu: [] as number[] },
      ...{ secondCpu: [] as number[], wall: [] as number[], rss: [] as number[] },
    }));
    for (let round = 0; round < rounds; round++) {
      for (const [i, kind] of kinds.entries()) {
        say(`round ${round + 1} of ${rounds}: ${kind.name}`);
        const fresh = `fresh-${round}`;
        if (!("table" in kind)) await createChangelogTable(clients.table, fresh);
        const events = path.join(directory, "events.ndjson");
        writeFileSync(
          events,
          [0, 1].map(() => `${JSON.stringify(eventOf(kind.source.touching(kind.keys)))}\n`).join(""),
        );
        const bindings = JSON.stringify(bindingsOf("table" in kind ? kind.table : fresh));
        const { usage, output } = await metered(functionNode(), [program, path.join(directory, "index.mjs"), events], {
          env: { ...process.env, ...aws, [BINDINGS_VARIABLE]: bindings },
        });
        const marks = JSON.parse(output.trimEnd().split("\n").at(-1)!) as { cpu: number; wall: number }[];
        const cpu = marks.map((mark, at) => mark.cpu - (marks[at - 1]?.cpu ?? 0));
        const one = figures[i]!;
        one.nodeCpu.push(cpu[0]!);
        one.loadCpu.push(cpu[1]!);
        one.firstCpu.push(cpu[2]!);
        one.secondCpu.push(cpu[3]!);
        one.wall.push(marks[2]!.wall);
        one.rss.push(usage.rss);
        if ("table" in kind) await forget(clients.table, kind); // so that the next round meets the same
      }
    }
    const result: BundleResult = {
      ...{ sizes, rounds, checkpointBytes: large.bytes, keys: large.keys },
      starts: figures,
      loads: await loadFigures(rounds, {
        ...process.env,
        ...aws,
        [BINDINGS_VARIABLE]: JSON.stringify(bindingsOf("fresh")),
      }),
    };
    const line = lineOf(result);
    console.log(`${sizesTable(result)}\n\n${startsTable(result)}\n\n${loadsTable(result.loads ?? [])}\n\n${line}`);
    if (values.write) {
      const versions = {
        ...functionNodeVersion(),
        ...packageVersions("esbuild", "@aws-sdk/client-dynamodb", "zod", "@middy/core"),
      };
      await writeResult("bundle", { figures: result, notMeasured: NOT_MEASURED, line, versions });
    }
  } finally {
    for (const client of Object.values(clients)) client.destroy();
    await Promise.all([dynamodb, s3, kinesis].map((emulator) => emulator.stop()));
  }
}

const TASK = taskName({
  ...{ pipeline: readings.name, generation: 0, stage: "readings", source: "readings", incarnation: 0 },
  partition: SHARD,
});

/** A task of so many keys, all in its checkpoint, as the runtime's own parts write it, and so many commits since. */
async function buildState(
  clients: { readonly table: DynamoDBClient; readonly objects: S3Client },
  keys: number,
  { table: name, log }: { readonly table: string; readonly log: number },
) {
  await createChangelogTable(clients.table, name);
  const changelog = new DynamoChangelog(clients.table, name);
  const source = new Readings();
  const [stage] = planStages(readings);
  const { program, intake, poisonShare } = runnableStage(readings, stage!, { generation: 0, incarnation: 0 });
  const origin = { pipeline: readings.name, stage: "readings", task: TASK, partition: SHARD };
  const task = new LoadedTask({ origin, program, source: "readings", intake, poisonShare, build: "bench" });
  for (let from = 0; from < keys; from += BUILDING)
    task.fold.records(source.of(Array.from({ length: BUILDING }, (_, i) => from + i)));
  task.fold.complete();
  const writer = new CommitWriter({
    changelog,
    objects: new S3Objects(clients.objects, "state"),
    shapes: program.shapes,
    build: "bench",
    newNonce: () => name,
    now: Date.now,
  });
  await writer.append(TASK, task, [], 0);
  const touch = async () => {
    task.fold.records(source.touching(keys));
    task.fold.complete();
    await writer.append(TASK, task, [], 0);
  };
  await touch(); // that one was whole, and would be read instead of a checkpoint of its own epoch
  await writer.checkpoint(TASK, task);
  for (let n = 0; n < log; n++) await touch();
  const { item } = await changelog.newest(TASK, { from: 0, limit: 1 });
  return { source, keys, table: name, bytes: item.checkpoint!.bytes, epoch: task.epoch };
}

/** Takes away the commits of a round. */
async function forget(client: DynamoDBClient, { table: name, epoch }: { table: string; epoch: number }): Promise<void> {
  const requests = [1, 2].map((n) => ({ DeleteRequest: { Key: keyOf(TASK, epoch + n) } }));
  await client.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
}

const bindingsOf = (changelog: string): Bindings => ({
  deployment: "bench",
  stage: "readings",
  generation: 0,
  source: {
    connector: "kinesis",
    address: { stream: "readings", streamArn: STREAM_ARN },
    incarnation: 0,
    suspectAfterMillis: 40_000,
  },
  table: changelog,
  bucket: "state",
  deadLetterQueueUrl: "http://127.0.0.1:1/dead",
  tickQueueUrl: "http://127.0.0.1:1/ticks",
  ...{ tickQueues: {}, shuffles: {}, lookupTables: {} },
  sinks: { [totals.name]: { deliveryStream: "totals" } },
});

const eventOf = (records: readonly IncomingRecord[]): unknown => ({
  Records: records.map(({ position, arrival, partitionKey, base64 }) => ({
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey,
      sequenceNumber: position.sequence,
      data: base64,
      approximateArrivalTimestamp: arrival / 1_000,
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: `${SHARD}:${position.sequence}`,
    eventName: "aws:kinesis:record",
    invokeIdentityArn: "arn:aws:iam::000000000000:role/readings",
    awsRegion: "us-east-1",
    eventSourceARN: STREAM_ARN,
  })),
});

const kilobytes = (bytes: number): string => shown(bytes / 1_024);

/** Packages that take less are put together. */
const LEAST_SHOWN = 4_096;

export function sizesTable({ sizes }: BundleResult): string {
  const owners = [...new Set(sizes.flatMap(({ by }) => Object.keys(by).filter((owner) => by[owner]! >= LEAST_SHOWN)))];
  const rows = owners.map((owner) => [owner, ...sizes.map(({ by }) => kilobytes(by[owner] ?? 0))]);
  const sum = (of: (one: BundleSizes) => number) => sizes.map((one) => kilobytes(of(one)));
  return table(
    ["KB, minified", ...sizes.map(({ handler }) => handler.split("/")[1]!)],
    [
      ...rows,
      ["whole", ...sum(({ whole }) => whole)],
      ["whole, gzip", ...sum(({ wholeGzip }) => wholeGzip)],
      ["without the AWS SDK", ...sum(({ withoutSdk }) => withoutSdk)],
      ["without the AWS SDK, gzip", ...sum(({ withoutSdkGzip }) => withoutSdkGzip)],
      ["of that, what its functions read", ...sum(({ loaded }) => loaded)],
    ],
  );
}

export const startsTable = ({ starts }: BundleResult): string =>
  table(
    [
      "CPU ms",
      "Node",
      "loading the bundle",
      `first ${TOUCHING} records`,
      `next ${TOUCHING}`,
      "peak MB",
      "wall ms to the first commit",
    ],
    starts.map(({ name, nodeCpu, loadCpu, firstCpu, secondCpu, rss, wall }) => [
      name,
      ...[nodeCpu, loadCpu, firstCpu, secondCpu].map(spread),
      shown(median(rss)),
      shown(median(wall)),
    ]),
  );

function lineOf({ sizes, starts, checkpointBytes }: BundleResult): string {
  const [, large, logged] = starts;
  const toCommit = ({ loadCpu, firstCpu }: StartFigures) =>
    shown(median(loadCpu.map((load, round) => load + firstCpu[round]!)));
  return (
    `${kilobytes(sizes[0]!.withoutSdk)} KB minified without the AWS SDK (${kilobytes(sizes[0]!.withoutSdkGzip)} KB gzip), of which its functions read ${kilobytes(sizes[0]!.loaded)}, ` +
    `${toCommit(large!)} ms of CPU to load it and to commit first, beyond Node's own start, on ${shown(checkpointBytes / MEGABYTE)} MB of state, ` +
    `${toCommit(logged!)} where ${LOG} commits follow its checkpoint`
  );
}
