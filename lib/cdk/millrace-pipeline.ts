import { Aws } from "aws-cdk-lib";
import type { ITable, Table } from "aws-cdk-lib/aws-dynamodb";
import { CfnDatabase } from "aws-cdk-lib/aws-glue";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { lookupTable } from "../connectors/dynamodb-table/provision.ts";
import type { LakeDeclaration } from "../connectors/firehose/declare.ts";
import { provisionLake, type LakePlace, type ProvisionedLake } from "../connectors/firehose/provision.ts";
import { refuseSetting } from "../connectors/limits.ts";
import type {
  CheckedSink,
  Place,
  ProvisionedSink,
  ProvisionedSource,
  ProvisionedSystem,
} from "../connectors/provisioned.ts";
import { nodesOf, type Pipeline } from "../pipeline/topology.ts";
import { operatorsOf } from "../plan/operators-of.ts";
import { producersOf } from "../plan/stage.ts";
import type { RecordSettings } from "../plan/state-record.ts";
import { stateMemoryIn } from "../state/state-memory.ts";
import { taskName } from "../state/task-id.ts";
import { acknowledge, acknowledgePrefix } from "./acknowledge.ts";
import { Alarms } from "./alarms.ts";
import { bundledCode, unusedBy } from "./bundle.ts";
import { Compaction } from "./compaction.ts";
import { checkSettings, type CheckedSettings, type CheckedStage } from "./checked-settings.ts";
import { refuseCircles } from "./copies.ts";
import { dashboard, type ShownStage } from "./dashboard.ts";
import { keepState } from "./deployed-state.ts";
import { Outputs, pascalCase } from "./outputs.ts";
import type { MillracePipelineProps } from "./pipeline-props.ts";
import { sharedQueues, type SharedQueues } from "./queues.ts";
import { Rollbacks } from "./rollback.ts";
import { ProvisionedStage, type Surroundings } from "./stage.ts";
import { changelogTable, secureBucket, stateBucket } from "./stores.ts";

/**
 * Everything a pipeline needs on AWS, and nothing else: it is derived from the pipeline.
 *
 * Per source and per shuffle a Kinesis stream, per stage a function with its mapping, tick queue and sweeper, per lake a delivery
 * stream with its Glue table and view, and for all of them a changelog table, a state bucket, a lake bucket, queues for
 * what failed, alarms and a dashboard. README.md beside this file lists the stack's outputs.
 *
 * @example
 * new MillracePipeline(stack, "FlightDelays", {
 *   pipeline: flightDelays,
 *   handler: "functions/aggregate-flight-delays/handler.ts",
 *   stream: { shards: 4 },
 * });
 *
 * @throws definition errors `provision/limit`, `provision/refused`, `provision/bundle`, `deploy/state-loss`, at synthesis; and
 *   with `deployed` what a task would throw: `state/shape`, `state/newer`
 */
export class MillracePipeline extends Construct {
  /** The changelog: delete it and the pipeline begins anew. */
  readonly table: Table;
  /** Checkpoints, spilled commits and large dead letters. */
  readonly stateBucket: IBucket;
  /** The lakes' files; none without a lake. */
  readonly lakeBucket: IBucket | undefined;
  readonly queues: SharedQueues;
  readonly stages: readonly ProvisionedStage[];
  readonly #made = new Map<LakeDeclaration, ProvisionedLake>();
  readonly #madeSinks = new Map<string, ProvisionedSink>();

  constructor(scope: Construct, id: string, props: MillracePipelineProps) {
    super(scope, id);
    const settings = checkSettings(props);
    const { accessLogs, encryptionKey, network, buckets = {} } = props;
    const keep = { ...settings, accessLogs, encryptionKey };
    this.table = changelogTable(this, keep);
    this.stateBucket = buckets.state ?? stateBucket(this, keep);
    const hasLakes = settings.stages.some(({ lakes }) => lakes.length > 0);
    this.lakeBucket = hasLakes ? (buckets.lake ?? secureBucket(this, "Lake", keep)) : undefined;
    const root = buckets.lake === undefined ? "" : `${settings.database}/`; // others may have lakes in it
    const database = hasLakes ? lakeDatabase(this, props.pipeline.name, settings) : undefined;
    this.queues = sharedQueues(this, settings.removalPolicy, encryptionKey);
    const without = unusedBy(settings.stages.map(({ stage }) => stage));
    const code = props.code ?? bundledCode(props.handler, props.projectRoot ?? process.cwd(), without);

    const around: Omit<Surroundings, "sinks" | "shuffles" | "producersTicks" | "lookupTables"> = {
      pipeline: props.pipeline.name,
      settings,
      code,
      table: this.table,
      stateBucket: this.stateBucket,
      queues: this.queues,
      encryptionKey,
      network,
    };
    const sources = new Map(settings.stages.map((checked) => [checked.stage.name, this.#source(checked, keep)]));
    const tasked = settings.stages.filter(({ source }) => !source.isUnordered).map(({ stage }) => stage.name);
    const records = new Map(tasked.map((stage) => [stage, sources.get(stage)!.records]));
    keepState(
      this,
      props.pipeline,
      { generation: settings.generation, incarnationOf: incarnationsOf(settings), startOf: startsOf(settings) },
      {
        changelog: this.table,
        stateBucket: this.stateBucket,
        streams: records,
        lakes: { database: settings.database, bucket: this.lakeBucket },
        views: () => this.#viewTables(),
      },
      props.deployed,
    );
    const ticks = new Map<string, IQueue>(); // the stages come producers first
    const provisioned = settings.stages.map((checked) => {
      const lakes = this.#lakes(checked, { ...settings, encryptionKey, root }, database);
      const { name, shuffles } = checked.stage;
      const read = Object.fromEntries(shuffles.map(({ stage }) => [stage, sources.get(stage)!.stream!]));
      const producersTicks = Object.fromEntries(producersOf(checked.stage).map((one) => [one, ticks.get(one)!]));
      const sinks = [...lakes, ...checked.sinks.map((sink) => this.#sink(sink, keep))];
      const own = { sinks, shuffles: read, producersTicks, lookupTables: this.#lookupTables(checked, props.tables) };
      const stage = new ProvisionedStage(this, checked, { ...around, ...own }, sources.get(name)!);
      ticks.set(name, stage.ticks);
      return { checked, lakes, sinks, stage };
    });
    this.stages = provisioned.map(({ stage }) => stage);
    refuseCircles(
      this,
      `MillracePipeline("${props.pipeline.name}")`,
      provisioned.map(({ stage: { source }, sinks }) => ({ source, sinks })),
    );
    this.#watch(props, settings, provisioned);
    this.#announce(props, settings, provisioned);
  }

  /** The table of a view, for those who read it. @throws definition error `provision/refused` for a view that there is not */
  viewTable(view: string): ITable {
    const table = this.#madeSinks.get(view)?.viewTable;
    if (table !== undefined) return table;
    throw refuseSetting(`${this.node.path}.viewTable`, `for "${view}"`, "The pipeline has no such view.");
  }

  #viewTables(): ReadonlyMap<string, ITable> {
    return new Map([...this.#madeSinks].flatMap(([name, { viewTable }]) => (viewTable ? [[name, viewTable]] : [])));
  }

  /** What a stage reads. All are made before any function: those between stages are written to. */
  #source({ stage, source }: CheckedStage, place: Place): ProvisionedSource {
    const scope = this.node.tryFindChild("Streams") ?? new Construct(this, "Streams");
    return excepted(source.provision(scope, stage.input.name, place));
  }

  #sink(sink: CheckedSink, place: Place): ProvisionedSink {
    const known = this.#madeSinks.get(sink.name); // of a stage before, which writes to it too
    if (known !== undefined) return known;
    const scope = this.node.tryFindChild("Sinks") ?? new Construct(this, "Sinks");
    const made = excepted(sink.provision(scope, place));
    this.#madeSinks.set(sink.name, made);
    return made;
  }

  #lakes(
    { lakes }: CheckedStage,
    settings: CheckedSettings & Pick<LakePlace, "encryptionKey" | "root">,
    database: CfnDatabase | undefined,
  ): readonly ProvisionedLake[] {
    const bucket = this.lakeBucket;
    if (bucket === undefined || database === undefined) return [];
    const scope = this.node.tryFindChild("Lakes") ?? new Construct(this, "Lakes");
    return lakes.map((lake) => {
      const known = this.#made.get(lake); // of a stage before, which sends its rows there too
      if (known !== undefined) return known;
      const made = provisionLake(scope, lake, { ...settings, bucket, database, databaseName: settings.database });
      for (const prefix of [made.prefix, made.errorPrefix]) {
        acknowledgePrefix(made.role, bucket, prefix, "Firehose names files by the time and at random.");
      }
      this.#made.set(lake, made);
      return made;
    });
  }

  /** Tables that are there already: the pipeline reads them, and nothing of them is made. */
  #lookupTables({ tables }: CheckedStage, given: MillracePipelineProps["tables"]): Readonly<Record<string, ITable>> {
    return Object.fromEntries(tables.map((name) => [name, lookupTable(this, name, given?.[name])]));
  }

  #watch(
    { pipeline, alarms: wishes, network }: MillracePipelineProps,
    settings: CheckedSettings,
    provisioned: readonly Provisioned[],
  ): void {
    const alarms = new Alarms(this, pipeline.name, wishes?.topic);
    alarms.watchQueues(this.queues);
    const rollbacks = settings.bakeSeconds && new Rollbacks(this, pipeline.name, settings.bakeSeconds, settings);
    for (const { checked, stage } of provisioned) {
      const { name, target } = stage;
      const { stateful, source } = checked;
      const { iteratorAgeSeconds, offsetLag } = source;
      const stateMemory = stateful.length === 0 ? undefined : stateMemoryIn(settings.memory * 1_024 * 1_024);
      const broken = alarms.watchStage({ name, target, iteratorAgeSeconds, offsetLag, stateMemory });
      if (rollbacks) rollbacks.watch(stage, broken);
      if (stage.sweeps !== undefined) alarms.watchSweeps(stage.name, stage.sweeps);
      if (stage.source.queue !== undefined) alarms.watchReadQueue(stage.name, stage.source.queue);
    }
    for (const lake of lakesOf(provisioned)) alarms.watchLake(lake, settings.lakes.bufferSeconds);
    const { compaction } = settings.lakes;
    if (compaction !== undefined && this.lakeBucket !== undefined) {
      const place = { ...settings, pipeline: pipeline.name, network, bucket: this.lakeBucket, settings: compaction };
      alarms.watchCompaction(new Compaction(this, lakesOf(provisioned), place).target);
    }
    dashboard(this, {
      pipeline: pipeline.name,
      alarms: alarms.all,
      stages: provisioned.map(({ checked, stage }) => shownAs(pipeline, checked, stage)),
      declared: nodesOf(pipeline, "metric").map(({ spec }) => spec),
      lakes: lakesOf(provisioned),
      queues: this.queues,
      memory: settings.memory,
      table: this.table,
    });
  }

  #announce(props: MillracePipelineProps, settings: CheckedSettings, provisioned: readonly Provisioned[]): void {
    const outputs = new Outputs(this, props.outputPrefix ?? "");
    const announce = (prefix: string, what: string, { announced }: ProvisionedSystem) => {
      for (const { name, value, description } of announced) outputs.add(prefix + name, value, description + what);
    };
    outputs.add("Pipeline", props.pipeline.name, "The pipeline's name");
    outputs.add("ChangelogTable", this.table.tableName, "Commits of every task");
    outputs.add("StateBucket", this.stateBucket.bucketName, "Checkpoints, spilled commits, large dead letters");
    outputs.add("DeadLetterQueueUrl", this.queues.deadLetters.queueUrl, "What could not be processed, with the reason");
    outputs.add("OnFailureQueueUrl", this.queues.onFailure.queueUrl, "What Lambda dropped: lost records");
    outputs.add("LostTickQueueUrl", this.queues.lostTicks.queueUrl, "Ticks that could not be run");
    for (const { checked, stage } of provisioned) {
      const { kind, name } = checked.stage.input;
      const own = `Stage${pascalCase(stage.name)}`;
      announce(`${pascalCase(kind)}${pascalCase(name)}`, ` of the ${kind} ${name}`, stage.source);
      outputs.add(`${own}Function`, stage.target.functionName, `Function of the stage ${stage.name}`);
      outputs.add(`${own}TickQueueUrl`, stage.ticks.queueUrl, `Ticks of the stage ${stage.name}`);
      outputs.add(`${own}Tasks`, tasksOf(props, settings, checked), "What the names of its tasks begin with");
    }
    const lakes = lakesOf(provisioned);
    for (const lake of lakes) announce(`Lake${pascalCase(lake.name)}`, "", lake);
    for (const sink of new Set(provisioned.flatMap(({ sinks }) => sinks))) {
      if (!lakes.some((lake) => lake === sink))
        announce(`Sink${pascalCase(sink.name)}`, ` of the sink ${sink.name}`, sink);
    }
    if (this.lakeBucket === undefined) return;
    outputs.add("LakeBucket", this.lakeBucket.bucketName, "Parquet files of every lake");
    outputs.add("Database", settings.database, "Glue database of the lakes' tables and views");
  }
}

/** Says why rules do not apply to what was made. */
function excepted<S extends ProvisionedSystem>(system: S): S {
  for (const { construct, rule, reason } of system.exceptions) acknowledge(construct, rule, reason);
  return system;
}

const incarnationsOf = ({ stages }: CheckedSettings): RecordSettings["incarnationOf"] => {
  const incarnations = new Map(stages.map(({ stage, source }) => [stage.name, source.incarnation]));
  return (stage) => incarnations.get(stage)!;
};

const startsOf = ({ stages }: CheckedSettings): NonNullable<RecordSettings["startOf"]> => {
  const starts = new Map(stages.map(({ stage, source }) => [stage.name, source.startAt]));
  return (stage) => starts.get(stage);
};

const shownAs = (
  pipeline: Pipeline,
  { stage, stateful, source: { offsetLag } }: CheckedStage,
  { name, target, source }: ProvisionedStage,
): ShownStage => ({
  name,
  target,
  stream: source.isBilledByPut ? source.stream : undefined,
  isSource: stage.input.kind === "source",
  isKeyed: stage.input.kind === "shuffle" || stage.input.source.keyFields.length > 0,
  operators: operatorsOf(pipeline, stage),
  stateful,
  behind: source.queue?.queue ?? (offsetLag === undefined ? "IteratorAge" : "OffsetLag"),
});

interface Provisioned {
  readonly checked: CheckedStage;
  readonly stage: ProvisionedStage;
  readonly lakes: readonly ProvisionedLake[];
  /** The lakes among them. */
  readonly sinks: readonly ProvisionedSink[];
}

/** The lakes of all stages, each once. */
const lakesOf = (provisioned: readonly Provisioned[]): readonly ProvisionedLake[] => [
  ...new Set(provisioned.flatMap(({ lakes }) => lakes)),
];

/**
 * Definitions are made again by the next deployment, under the same name: only the files are worth keeping. A table of
 * Iceberg is more than a definition, and goes with its database.
 */
function lakeDatabase(scope: Construct, pipeline: string, settings: CheckedSettings): CfnDatabase {
  const database = new CfnDatabase(scope, "Database", {
    catalogId: Aws.ACCOUNT_ID,
    databaseInput: { name: settings.database, description: `Lakes of the pipeline ${pipeline}` },
  });
  const hasIceberg = settings.stages.some(({ lakes }) => lakes.some(({ table }) => table === "iceberg"));
  if (hasIceberg) database.applyRemovalPolicy(settings.removalPolicy);
  return database;
}

/** What the names of a stage's tasks begin with: all but the partition. */
const tasksOf = (
  { pipeline }: MillracePipelineProps,
  { generation }: CheckedSettings,
  { stage, source: { incarnation } }: CheckedStage,
): string =>
  taskName({
    pipeline: pipeline.name,
    generation,
    stage: stage.name,
    source: stage.input.name,
    incarnation,
    partition: "",
  });
