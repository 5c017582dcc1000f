import { Duration, Stack } from "aws-cdk-lib";
import type { ITable, Table } from "aws-cdk-lib/aws-dynamodb";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { CfnFunction } from "aws-cdk-lib/aws-lambda";
import type { IKey } from "aws-cdk-lib/aws-kms";
import {
  Alias,
  Architecture,
  CfnEventSourceMapping,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  type Code,
  type IVersion,
} from "aws-cdk-lib/aws-lambda";
import type { Rule } from "aws-cdk-lib/aws-events";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { IQueue, Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { ProvisionedSink, ProvisionedSource } from "../connectors/provisioned.ts";
import { BINDINGS_VARIABLE, BUILD_VARIABLE, type Bindings } from "../plan/bindings.ts";
import { acknowledgeRuntime } from "./acknowledge.ts";
import type { CheckedSettings, CheckedStage } from "./checked-settings.ts";
import { FUNCTION_RUNTIME } from "./function-runtime.ts";
import { NAMESPACE } from "./metrics.ts";
import type { NetworkSettings } from "./pipeline-props.ts";
import { tickQueue, type SharedQueues } from "./queues.ts";
import { stageRole } from "./stage-role.ts";
import { sweepSchedule } from "./sweep.ts";

/** The bundle's content hash: the name that envelopes know a build by. */
function buildOf(target: LambdaFunction): string {
  const { s3Key } = (target.node.defaultChild as CfnFunction).code as CfnFunction.CodeProperty;
  return s3Key === undefined ? "inline" : s3Key.slice(0, 12);
}

/** What puts a function into a network. */
export const networkOf = (network: NetworkSettings | undefined) =>
  network && {
    vpc: network.vpc,
    ...(network.subnets && { vpcSubnets: network.subnets }),
    ...(network.securityGroups && { securityGroups: [...network.securityGroups] }),
  };

/** What a stage shares with the others of its pipeline. */
export interface Surroundings {
  readonly pipeline: string;
  readonly settings: CheckedSettings;
  readonly code: Code;
  readonly table: Table;
  readonly stateBucket: IBucket;
  readonly queues: SharedQueues;
  readonly encryptionKey: IKey | undefined;
  readonly network: NetworkSettings | undefined;
  readonly sinks: readonly ProvisionedSink[];
  /** Streams of the stages that read from this one, by their names. */
  readonly shuffles: Readonly<Record<string, IStream>>;
  /** Queues of the ticks of the stages that write to it, by their names. */
  readonly producersTicks: Readonly<Record<string, IQueue>>;
  /** Tables it looks up in, by the names that the pipeline has for them. */
  readonly lookupTables: Readonly<Record<string, ITable>>;
}

/** One stage: its function, the mapping of what it reads, the queue of its ticks, and what sweeps it. */
export class ProvisionedStage extends Construct {
  readonly name: string;
  readonly source: ProvisionedSource;
  readonly target: LambdaFunction;
  /** What mappings invoke: the version that runs. A new build is a new version, and takes over when the alias is moved to it. */
  readonly live: Alias;
  readonly ticks: Queue;
  /** What has its idle tasks looked after; none for a stage that has no tasks. */
  readonly sweeps: Rule | undefined;

  constructor(scope: Construct, checked: CheckedStage, around: Surroundings, source: ProvisionedSource) {
    const { name } = checked.stage;
    super(scope, name);
    this.name = name;
    this.source = source;
    const { settings, queues } = around;
    this.ticks = tickQueue(this, "Ticks", settings.timeoutSeconds, queues.lostTicks);
    this.target = this.#function(checked, around);
    this.live = new Alias(this, "Live", { aliasName: "live", version: this.target.currentVersion as IVersion });
    source.map(this, "Mapping", this.live, queues.onFailure);
    new CfnEventSourceMapping(this, "TickMapping", {
      eventSourceArn: this.ticks.queueArn,
      functionName: this.live.functionArn,
      batchSize: 10,
      functionResponseTypes: ["ReportBatchItemFailures"],
    });
    this.sweeps = checked.source.isUnordered ? undefined : sweepSchedule(this, "Sweeps", name, this.ticks);
  }

  #function(checked: CheckedStage, around: Surroundings): LambdaFunction {
    const { pipeline, settings } = around;
    const { name } = checked.stage;
    const logGroup = new LogGroup(this, "Logs", {
      retention: settings.logRetention,
      removalPolicy: settings.removalPolicy,
    });
    const role = stageRole(this, `Runs the stage ${name} of the pipeline ${pipeline}`, {
      systems: [this.source, ...around.sinks],
      table: around.table,
      stateBucket: around.stateBucket,
      deadLetters: around.queues.deadLetters,
      onFailure: around.queues.onFailure,
      ticks: this.ticks,
      producersTicks: Object.values(around.producersTicks),
      shuffles: Object.values(around.shuffles),
      lookupTables: Object.values(around.lookupTables),
      logGroup,
      keyArns: [...this.#keys(around)],
      isInNetwork: around.network !== undefined,
      hasTasks: !checked.source.isUnordered,
    });
    const target = new LambdaFunction(this, "Function", {
      description: `Millrace: stage ${name} of the pipeline ${pipeline}`,
      code: around.code,
      handler: "index.handler",
      runtime: FUNCTION_RUNTIME,
      architecture: Architecture.ARM_64,
      memorySize: settings.memory,
      timeout: Duration.seconds(settings.timeoutSeconds),
      ...(settings.reservedConcurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: settings.reservedConcurrency }),
      role,
      logGroup,
      // It sends itself ticks, and objects to read on: a task that waits does so for days. Lambda would end that after 16 times.
      recursiveLoop: RecursiveLoop.ALLOW,
      ...networkOf(around.network),
      // Metrics are lines of the log: Lambda must not wrap them in JSON of its own.
      loggingFormat: LoggingFormat.TEXT,
      environment: {
        [BINDINGS_VARIABLE]: Stack.of(this).toJsonString(this.#bindings(checked, around)),
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_SERVICE_NAME: pipeline,
        POWERTOOLS_METRICS_NAMESPACE: NAMESPACE,
        POWERTOOLS_LOG_LEVEL: settings.logLevel,
      },
    });
    target.addEnvironment(BUILD_VARIABLE, buildOf(target));
    acknowledgeRuntime(target);
    return target;
  }

  /** Keys of what the function reads and writes, where these are not AWS's. */
  #keys({ encryptionKey, stateBucket, shuffles, sinks }: Surroundings): ReadonlySet<string> {
    const streams = Object.values(shuffles).map((stream) => stream.encryptionKey);
    const own = [encryptionKey, stateBucket.encryptionKey].flatMap((key) => key?.keyArn ?? []);
    const systems = [this.source, ...sinks].flatMap(({ keyArns }) => keyArns);
    return new Set([...own, ...systems, ...streams.flatMap((key) => key?.keyArn ?? [])]);
  }

  /** What the function is told about its surroundings. */
  #bindings({ stage, source }: CheckedStage, around: Surroundings): Bindings {
    return {
      deployment: Stack.of(this).stackName,
      stage: stage.name,
      generation: around.settings.generation,
      source: {
        connector: source.connector,
        address: this.source.address,
        incarnation: source.incarnation,
        suspectAfterMillis: source.suspectAfterMillis,
      },
      table: around.table.tableName,
      bucket: around.stateBucket.bucketName,
      deadLetterQueueUrl: around.queues.deadLetters.queueUrl,
      tickQueueUrl: this.ticks.queueUrl,
      tickQueues: Object.fromEntries(
        Object.entries(around.producersTicks).map(([producer, queue]) => [producer, queue.queueUrl]),
      ),
      shuffles: Object.fromEntries(
        Object.entries(around.shuffles).map(([reader, stream]) => [reader, stream.streamName]),
      ),
      sinks: Object.fromEntries(around.sinks.map(({ name, address }) => [name, address])),
      lookupTables: Object.fromEntries(
        Object.entries(around.lookupTables).map(([name, table]) => [name, table.tableName]),
      ),
    };
  }
}
