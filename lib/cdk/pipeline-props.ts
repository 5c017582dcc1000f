import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { ISecurityGroup, IVpc, SubnetSelection } from "aws-cdk-lib/aws-ec2";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Code } from "aws-cdk-lib/aws-lambda";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { EventBusSettings } from "../connectors/eventbridge/provision.ts";
import type { S3ObjectsSettings } from "../connectors/s3/provision.ts";
import type { SqsQueueSettings } from "../connectors/sqs/provision-source.ts";
import type { TableStreamSettings } from "../connectors/dynamodb-stream/table-stream-settings.ts";
import type { LakeSettings } from "../connectors/firehose/provision.ts";
import type { KafkaSettings } from "../connectors/kafka/cluster.ts";
import type { KafkaTopicSettings } from "../connectors/kafka-topic/provision.ts";
import type { MappingSettings, StreamSettings } from "../connectors/kinesis/stream-settings.ts";
import type { TopicSettings } from "../connectors/sns/provision.ts";
import type { StreamCopySettings } from "../connectors/stream-copy/provision.ts";
import type { TopicCopySettings } from "../connectors/topic-copy/provision.ts";
import type { QueueSettings } from "../connectors/sqs/provision.ts";
import type { WebhookSettings } from "../connectors/webhook/provision.ts";
import type { Pipeline } from "../pipeline/topology.ts";
import type { Duration } from "../time/duration.ts";
import type { DeployedTemplate } from "./deployed-state.ts";

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

/** Of every function, where nothing else is said. */
export const DEFAULT_TIMEOUT: Duration = { seconds: 60 };

/** A stage's Lambda function. */
export interface FunctionSettings {
  /** Megabytes, 128 to 10,240; 1,769 are one processor. @default 1,024 */
  readonly memory?: number;
  /** How long a batch may take, 1 to 900 seconds; whole seconds. @default 60 seconds */
  readonly timeout?: Duration;
  /** The most invocations at a time, 2 or more, taken from the account's; needs one per shard and one for ticks, at the most shards that the stream will ever have. @default the account's */
  readonly reservedConcurrency?: number;
  /** How much is logged. @default "INFO" */
  readonly logLevel?: LogLevel;
}

/** The network that functions run in. From there they must reach DynamoDB, S3, SQS, Kinesis and Firehose. */
export interface NetworkSettings {
  readonly vpc: IVpc;
  /** @default the VPC's private subnets with a way out, as CDK chooses them */
  readonly subnets?: SubnetSelection;
  /** @default a group per function that lets all out and nothing in */
  readonly securityGroups?: readonly ISecurityGroup[];
}

/** Buckets that are there already. Their encryption, life cycle and removal are whoever's made them. */
export interface BucketSettings {
  /** For checkpoints, spilled commits and large dead letters; nothing below these prefixes may expire. @default one is made */
  readonly state?: IBucket;
  /** For the lakes' files, below the database's name. @default one is made, if there is a lake */
  readonly lake?: IBucket;
}

/** When someone is told. */
export interface AlarmSettings {
  /** Who is told; without it alarms change their colour and tell no one. @default no one */
  readonly topic?: ITopic;
  /** How far reading may fall behind, 1 minute to the stream's retention; whole seconds. @default a quarter of the retention */
  readonly iteratorAge?: Duration;
  /** How many offsets of a Kafka topic may be unread, 1 or more. @default 100,000 */
  readonly offsetLag?: number;
}

/** When a new build is taken back. */
export interface RollbackSettings {
  /** How long a new build runs before its deployment has succeeded, 1 to 14 minutes; whole seconds. The function fails for three minutes before its alarm is raised. @default 10 minutes */
  readonly bakeTime?: Duration;
}

/** The settings of a {@link MillracePipeline}. All that the pipeline itself says is taken from it. */
export interface MillracePipelineProps {
  /** The pipeline: its sources, stages and sinks are what is provisioned. */
  readonly pipeline: Pipeline;
  /** The module that exports `handler`, as a path from `projectRoot`. */
  readonly handler: string;
  /** The directory with package.json and tsconfig.json. @default the working directory */
  readonly projectRoot?: string;
  /** Code that was bundled before, in place of bundling `handler`. @default `handler` is bundled */
  readonly code?: Code;

  /** Every data stream: of a source, of a sink, and between stages. @default the defaults of {@link StreamSettings} */
  readonly stream?: StreamSettings;
  /** Settings of single streams, by the name of the source, the `keyBy` or the sink, before those of `stream`. @default none */
  readonly streams?: Readonly<Record<string, StreamSettings>>;
  /** Which cluster the topic of each Kafka source is of, by the source's name. @default none: for pipelines without one */
  readonly kafka?: Readonly<Record<string, KafkaSettings>>;
  /** The queues that the pipeline's `sqsQueue`s read, by the names of these sources. @default they are made */
  readonly sqsQueues?: Readonly<Record<string, SqsQueueSettings>>;
  /** The buckets whose objects the pipeline's `s3Objects` read, by the names of these sources. @default none; each needs its own */
  readonly s3Objects?: Readonly<Record<string, S3ObjectsSettings>>;
  /** The tables whose streams the pipeline's `dynamoStream`s read, by the names of these sources. @default none */
  readonly tableStreams?: Readonly<Record<string, TableStreamSettings>>;
  /** Which cluster the topic of each `kafkaTopic` sink is of, by the sink's name. @default none: for pipelines without one */
  readonly kafkaTopics?: Readonly<Record<string, KafkaTopicSettings>>;
  /** The stream that each `streamCopy` copies to, by the sink's name. @default none: for pipelines without one */
  readonly streamCopies?: Readonly<Record<string, StreamCopySettings>>;
  /** Which cluster the topic of each `topicCopy` is of, by the sink's name. @default none: for pipelines without one */
  readonly topicCopies?: Readonly<Record<string, TopicCopySettings>>;
  /** How streams are read. @default the defaults of {@link MappingSettings} */
  readonly mapping?: MappingSettings;
  /** Every stage's function. @default the defaults of {@link FunctionSettings} */
  readonly function?: FunctionSettings;
  /** Every lake's delivery stream. @default the defaults of {@link LakeSettings} */
  readonly lakes?: LakeSettings;
  /**
   * The existing tables that values are looked up in, by the names that the pipeline's `dynamoTable`s have: of the stack's
   * account and region. What encrypts one, where that is a key of one's own, must be known of it
   * (`Table.fromTableAttributes`). @default the table that has that name
   */
  readonly tables?: Readonly<Record<string, ITable>>;
  /** Queues that rows are sent to, by the names that the pipeline has for them. @default they are made */
  readonly queues?: Readonly<Record<string, QueueSettings>>;
  /**
   * Tables that are there already, by the views that are to be kept in them: with the view's key, and `$expires` as their time
   * to live. What encrypts one, where that is a key of one's own, must be known of it. @default each view's is made
   */
  readonly views?: Readonly<Record<string, ITable>>;
  /** Topics that rows are published to, by the names that the pipeline has for them. @default they are made */
  readonly topics?: Readonly<Record<string, TopicSettings>>;
  /** Event buses that rows are put on, by the names that the pipeline has for them. @default they are made */
  readonly eventBuses?: Readonly<Record<string, EventBusSettings>>;
  /** Where the pipeline's webhooks are, by their names. @default none; each needs its own */
  readonly webhooks?: Readonly<Record<string, WebhookSettings>>;
  /** When someone is told. @default the defaults of {@link AlarmSettings} */
  readonly alarms?: AlarmSettings;
  /**
   * Has CodeDeploy put the build before back when the new one raises a stage's `Errors` or `SystemicFailures`; the stack's
   * update fails then. While one of these is raised already nothing new gets through: leave it out to deploy what mends it.
   * @default nothing is taken back, and an update is over when the alias was moved
   */
  readonly rollback?: RollbackSettings;

  /** The template that is deployed, if one is: what would lose its state is refused. `npm run deployed` fetches it. @default nothing is compared */
  readonly deployed?: DeployedTemplate;
  /** The Glue database's name: lower case, digits and _, 1 to 255. @default the pipeline's name in snake case */
  readonly database?: string;
  /** Raised by a replay or a restore, 0 or more: tasks begin anew. @default 0 */
  readonly generation?: number;
  /** Days that logs are kept: one of those that CloudWatch offers (1, 3, 5, 7, 14, 30, 60, 90, 180, 365 …). @default 30 */
  readonly logRetentionDays?: number;
  /** What becomes of data when the stack is deleted. @default "retain" */
  readonly removal?: "retain" | "destroy";
  /** Whether deleting the stack empties its buckets, by a function of CDK's own; only where `removal` is "destroy". @default false, and buckets with objects stay */
  readonly emptyBuckets?: boolean;
  /** Whether the changelog table, and tables of views, refuse to be deleted. @default true where `removal` is "retain" */
  readonly deletionProtection?: boolean;
  /** A key that encrypts streams, changelog, buckets, dead letters and what waits in Firehose. @default keys of AWS's, without a charge */
  readonly encryptionKey?: IKey;
  /** The network that functions run in. @default none: they reach AWS's services alone */
  readonly network?: NetworkSettings;
  /** Buckets that are there already, in place of those that would be made. @default they are made */
  readonly buckets?: BucketSettings;
  /** A bucket for S3's access logs. @default no access logs */
  readonly accessLogs?: IBucket;
  /** What the names of the stack's outputs begin with, for stacks of several pipelines: letters and digits. @default "" */
  readonly outputPrefix?: string;
}
