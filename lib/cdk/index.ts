/** Millrace on AWS: the construct that provisions a pipeline. */
export { HttpIngest, type HttpIngestProps, type JwtSettings } from "./http-ingest.ts";
export { MillracePipeline } from "./millrace-pipeline.ts";
export type {
  AlarmSettings,
  BucketSettings,
  FunctionSettings,
  LogLevel,
  MillracePipelineProps,
  NetworkSettings,
  RollbackSettings,
} from "./pipeline-props.ts";
export type { DeployedTemplate } from "./deployed-state.ts";
export type { ProvisionedStage } from "./stage.ts";
export type { SharedQueues } from "./queues.ts";
export type { CompactionSettings, LakeSettings } from "../connectors/firehose/provision.ts";
export type { EventBusSettings } from "../connectors/eventbridge/provision.ts";
export type { TopicSettings } from "../connectors/sns/provision.ts";
export type { WebhookSettings } from "../connectors/webhook/provision.ts";
export type { S3ObjectsSettings } from "../connectors/s3/provision.ts";
export type { SqsQueueSettings } from "../connectors/sqs/provision-source.ts";
export type { QueueSettings } from "../connectors/sqs/provision.ts";
export type { StreamedTable, TableStreamSettings } from "../connectors/dynamodb-stream/table-stream-settings.ts";
export type { MappingSettings, StreamSettings } from "../connectors/kinesis/stream-settings.ts";
export {
  iam,
  msk,
  mskServerless,
  mtls,
  plain,
  scram,
  selfManaged,
  unauthenticated,
  type ClusterNetwork,
  type KafkaAuth,
  type KafkaCluster,
  type KafkaSettings,
  type SchemaRegistrySettings,
  type MskOptions,
  type SelfManagedOptions,
} from "../connectors/kafka/cluster.ts";
export { ViewQuery, type ViewQueryProps } from "./view-query.ts";
export { CopyPositions, type CopyPositionsProps } from "./copy-positions.ts";
export type { CopyEndpoints } from "../connectors/replication/copy-table.ts";
export type { StreamCopySettings } from "../connectors/stream-copy/provision.ts";
export type { TopicCopySettings } from "../connectors/topic-copy/provision.ts";
export type { KafkaTopicSettings } from "../connectors/kafka-topic/provision.ts";
