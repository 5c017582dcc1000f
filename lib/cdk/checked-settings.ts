import { RemovalPolicy } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { isDynamoTable } from "../connectors/dynamodb-table/declare.ts";
import { isLake, type LakeDeclaration } from "../connectors/firehose/declare.ts";
import { checkLakes, type CheckedLakes } from "../connectors/firehose/provision.ts";
import { tableOf } from "../connectors/firehose/view.ts";
import { KAFKA } from "../connectors/kafka/names.ts";
import { ON_DEMAND_SHARDS } from "../connectors/kinesis/stream-settings.ts";
import type { CheckedSink, CheckedSource } from "../connectors/provisioned.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import { statefulOf } from "../plan/operators-of.ts";
import { enrichmentsOf } from "../plan/preparation-of.ts";
import { planStages, type Stage } from "../plan/stage.ts";
import { refuseSetting, secondsWithin, wholeWithin } from "../connectors/limits.ts";
import { DEFAULT_TIMEOUT, type LogLevel, type MillracePipelineProps } from "./pipeline-props.ts";
import { checkSink, isStreamSink, refuseUnknownSinks } from "./sinks.ts";
import { checkSource, isStream, refuseUnknownSources } from "./sources.ts";

/** A stage with its settings, checked and complete. */
export interface CheckedStage {
  readonly stage: Stage;
  readonly lakes: readonly LakeDeclaration[];
  /** All that are no lakes. */
  readonly sinks: readonly CheckedSink[];
  /** Names of the tables that it looks up in. */
  readonly tables: readonly string[];
  readonly source: CheckedSource;
  /** Names of its operators that keep state. */
  readonly stateful: readonly string[];
}

/** A pipeline's settings, checked and complete. */
export interface CheckedSettings {
  readonly stages: readonly CheckedStage[];
  readonly lakes: CheckedLakes;
  readonly memory: number;
  readonly timeoutSeconds: number;
  readonly reservedConcurrency: number | undefined;
  readonly logLevel: LogLevel;
  readonly logRetention: RetentionDays;
  readonly database: string;
  readonly generation: number;
  readonly removalPolicy: RemovalPolicy;
  readonly emptyBuckets: boolean;
  readonly deletionProtection: boolean;
  /** How long a new build is watched before its deployment has succeeded; undefined where it is not. */
  readonly bakeSeconds: number | undefined;
}

/** Checks everything before anything is made. @throws definition errors naming the limit and the value given */
export function checkSettings(props: MillracePipelineProps): CheckedSettings {
  const what = `MillracePipeline("${props.pipeline.name}")`;
  const planned = planStages(props.pipeline);
  refuseUnknownStreams(what, props, planned);
  refuseUnknownTopics(what, props, planned);
  refuseUnknownSources(what, props, planned);
  const stages = planned.map((stage) => checkStage(what, props, stage));
  refuseUnknownTables(what, props, stages);
  refuseUnknownSinks(
    what,
    props,
    planned.flatMap(({ sinks }) => sinks),
  );
  refuseSharedTables(what, stages);
  refuseCompaction(what, props, stages);
  const settings = props.function ?? {};
  const days = props.logRetentionDays ?? 30;
  if (typeof RetentionDays[days] !== "string") {
    throw refuseSetting(
      `${what}.logRetentionDays`,
      String(days),
      "CloudWatch offers 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 and more.",
    );
  }
  return {
    stages,
    lakes: checkLakes(`${what}.lakes`, props.lakes ?? {}),
    memory: wholeWithin(`${what}.function.memory`, settings.memory ?? 1_024, {
      least: 128,
      most: 10_240,
      unit: "MB",
      why: "Lambda's limits.",
    }),
    timeoutSeconds: secondsWithin(`${what}.function.timeout`, settings.timeout ?? DEFAULT_TIMEOUT, {
      least: 1,
      most: 900,
      why: "Lambda's limits.",
    }),
    reservedConcurrency: checkConcurrency(what, settings.reservedConcurrency, stages),
    logLevel: settings.logLevel ?? "INFO",
    logRetention: days,
    database: checkDatabase(what, props),
    generation: wholeWithin(`${what}.generation`, props.generation ?? 0, {
      least: 0,
      most: Number.MAX_SAFE_INTEGER,
      unit: "generations",
      why: "It counts replays and restores.",
    }),
    removalPolicy: props.removal === "destroy" ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    emptyBuckets: checkEmptying(what, props),
    deletionProtection: props.deletionProtection ?? props.removal !== "destroy",
    bakeSeconds:
      props.rollback &&
      secondsWithin(`${what}.rollback.bakeTime`, props.rollback.bakeTime ?? { minutes: 10 }, {
        least: 60,
        most: 14 * 60,
        why: "A function waits for it, at most a quarter of an hour, and alarms look at whole minutes.",
      }),
  };
}

function checkStage(what: string, props: MillracePipelineProps, stage: Stage): CheckedStage {
  const stateful = statefulOf(props.pipeline, stage);
  const isStateful = stage.input.kind === "shuffle" || stateful.length > 0;
  return {
    stage,
    lakes: stage.sinks.filter(isLake),
    sinks: stage.sinks.filter((sink) => !isLake(sink)).map((sink) => checkSink(what, sink, props)),
    tables: checkTables(what, props.pipeline, stage),
    source: checkSource(what, stage, props, isStateful),
    stateful,
  };
}

/** The tables of a stage's lookups, each once. */
function checkTables(what: string, pipeline: Pipeline, stage: Stage): readonly string[] {
  const tables = enrichmentsOf(pipeline, stage).flatMap(({ table }) => table ?? []);
  const other = tables.find((table) => !isDynamoTable(table));
  if (other !== undefined) {
    throw refuseSetting(
      `${what}: the table "${other.name}"`,
      `of ${other.connector}`,
      "Only DynamoDB's are provisioned yet.",
    );
  }
  return [...new Set(tables.map(({ name }) => name))];
}

function refuseUnknownTables(what: string, { tables = {} }: MillracePipelineProps, stages: readonly CheckedStage[]) {
  const names = stages.flatMap((stage) => stage.tables);
  const unknown = Object.keys(tables).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const known = names.length === 0 ? "It looks up in no table." : `It looks up in ${names.join(", ")}.`;
  throw refuseSetting(`${what}.tables`, `for "${unknown}"`, known);
}

function refuseUnknownStreams(what: string, props: MillracePipelineProps, stages: readonly Stage[]): void {
  const read = stages.filter(isStream).map(({ input }) => input.name);
  const written = stages.flatMap(({ sinks }) => sinks.filter(isStreamSink).map(({ name }) => name));
  const both = written.find((name) => read.includes(name));
  if (both !== undefined)
    throw refuseSetting(`${what}: the stream "${both}"`, "read and written", "Give the sink another name.");
  const names = [...read, ...new Set(written)];
  const unknown = Object.keys(props.streams ?? {}).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw refuseSetting(`${what}.streams`, `for "${unknown}"`, `Its streams are ${names.join(", ")}.`);
}

function refuseUnknownTopics(what: string, { kafka = {} }: MillracePipelineProps, stages: readonly Stage[]): void {
  const names = stages.flatMap(({ input }) =>
    input.kind === "source" && input.source.connector === KAFKA ? [input.name] : [],
  );
  const unknown = Object.keys(kafka).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const known = names.length === 0 ? "It has no source of Kafka." : `Its sources of Kafka are ${names.join(", ")}.`;
  throw refuseSetting(`${what}.kafka`, `for "${unknown}"`, known);
}

/** Compaction reads and writes files of Parquet, and knows of all that there are. */
function refuseCompaction(
  what: string,
  { lakes: { compaction } = {} }: MillracePipelineProps,
  stages: readonly CheckedStage[],
): void {
  const lakes = stages.flatMap((stage) => stage.lakes);
  const iceberg = lakes.find(({ table }) => table === "iceberg");
  const orc = lakes.find(({ format }) => format !== "parquet");
  if (compaction === undefined || (iceberg ?? orc) === undefined) return;
  throw refuseSetting(
    `${what}.lakes.compaction`,
    iceberg === undefined
      ? `for lake("${orc!.name}"), whose files are ORC`
      : `for lake("${iceberg.name}"), whose table is of Iceberg`,
    iceberg === undefined
      ? "Files of Parquet are merged: leave out compaction, or the lake's format."
      : "Iceberg's files are merged by Glue's table optimizers or Athena's OPTIMIZE: leave out compaction, or the lake's table.",
  );
}

/** Every lake of files has a table and a view, and all of a pipeline are in one database. */
function refuseSharedTables(what: string, stages: readonly CheckedStage[]): void {
  const lakes = new Set(stages.flatMap((stage) => stage.lakes)); // one may be of several stages
  const tables = [...lakes].flatMap((lake) => [...new Set([lake.name, tableOf(lake)])]);
  const shared = tables.find((table, i) => tables.indexOf(table) !== i);
  if (shared !== undefined)
    throw refuseSetting(`${what}: the table "${shared}"`, "of two lakes", "Give one of the lakes another name.");
}

function checkConcurrency(
  what: string,
  reserved: number | undefined,
  stages: readonly CheckedStage[],
): number | undefined {
  if (reserved === undefined) return undefined;
  const most = Math.max(...stages.map(({ source }) => source.concurrency.partitions));
  const mayGrow = stages.some(({ source }) => source.concurrency.mayGrow);
  return wholeWithin(`${what}.function.reservedConcurrency`, reserved, {
    least: most + 1,
    most: 100_000,
    unit: "invocations at a time",
    why:
      `With fewer than one per shard (${most}) and one for ticks, shards would wait for each other.` +
      (mayGrow
        ? ` An on-demand stream begins with ${ON_DEMAND_SHARDS} shards and gets more: reserve for its peak.`
        : ""),
  });
}

function checkEmptying(what: string, { emptyBuckets = false, removal }: MillracePipelineProps): boolean {
  if (!emptyBuckets || removal === "destroy") return emptyBuckets;
  throw refuseSetting(
    `${what}.emptyBuckets`,
    "true",
    'Buckets that are retained are not emptied: set removal to "destroy", or leave it out.',
  );
}

function checkDatabase(what: string, { database, pipeline }: MillracePipelineProps): string {
  const name = database ?? snakeCase(pipeline.name);
  if (/^[a-z0-9_]{1,255}$/.test(name)) return name;
  throw refuseSetting(
    `${what}.database`,
    JSON.stringify(name),
    "Athena wants lower case, digits and _, 1 to 255 of them.",
  );
}

/** A pipeline's name as a database's: `flight-delays` is `flight_delays`. */
export const snakeCase = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/-/g, "_")
    .toLowerCase();
