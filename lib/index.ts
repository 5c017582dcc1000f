/** Millrace: event-time stream processing on AWS Lambda. What a pipeline is written with. */
export { pipeline, type Flow, type PipelineOptions } from "./pipeline/pipeline.ts";
export type { Deduplicated, DeduplicateOptions } from "./pipeline/deduplicate.ts";
export type {
  Aggregated,
  AggregateOptions,
  Keyed,
  KeyByOptions,
  PaneFields,
  RetractionFields,
  Stream,
  Windowed,
  WindowOptions,
} from "./pipeline/stream.ts";
export { explain, type Measured } from "./plan/explain.ts";
export type { Node, Pipeline, PoisonPolicy } from "./pipeline/topology.ts";
export type { Source, SourceOptions, UnorderedOptions, UnorderedSource } from "./pipeline/source.ts";
export type { UnorderedStream } from "./pipeline/unordered.ts";
export type { Sink } from "./pipeline/sink.ts";
export {
  bigint,
  bool,
  double,
  nullable,
  text,
  timestamp,
  type Column,
  type Columns,
  type RowOf,
} from "./pipeline/column.ts";
export type { MetricDimension, MetricOptions } from "./pipeline/metric.ts";
export type { MetricUnit } from "./operators/metric.ts";
export type { BreakerOptions, DeliveryOptions } from "./pipeline/backpressure.ts";
export type { Enrich, Enriched, EnrichOptions, Lookup } from "./pipeline/enrich.ts";
export type { Handle } from "./pipeline/handle.ts";
export type { Table } from "./pipeline/table.ts";
export type { Broadcasting, BroadcastOptions } from "./pipeline/broadcast.ts";
export type { Broadcast, BroadcastTable } from "./operators/broadcast/broadcast.ts";
export type { Connect, Connected } from "./pipeline/connect.ts";
export type { Join, Joined, JoinOptions, LateChange } from "./pipeline/join.ts";
export type { ChangesAsTable, TableOptions, ToTable, ValuesAsTable } from "./pipeline/to-table.ts";
export type { VersionedTable, VersionOrder } from "./operators/join/table-change.ts";
export type { Process, Processed } from "./pipeline/process.ts";
export {
  list,
  map,
  reducing,
  value,
  type Cell,
  type CellOptions,
  type InitialOptions,
  type ListCell,
  type MapCell,
  type ReducingCell,
  type ValueCell,
} from "./operators/process/cell.ts";
export {
  side,
  type ConnectedFunction,
  type ProcessContext,
  type ProcessFunction,
  type Side,
} from "./operators/process/process-function.ts";
export { eventTime, processingTime, type Timer } from "./operators/process/timer.ts";
export type { Stored } from "./state/stored-value.ts";
export { partitionKeyOf, type KeyRow, type KeySpec, type KeyValue, type KeyValues } from "./state/key.ts";
export { kafkaTopic, type KafkaTopicDeclaration, type KafkaTopicOptions } from "./connectors/kafka-topic/declare.ts";
export {
  kafka,
  type KafkaFormat,
  type KafkaKey,
  type KafkaOptions,
  type Tombstone,
} from "./connectors/kafka/declare.ts";
export { kafkaRecords, type KafkaRecordsOptions } from "./connectors/kafka/declare-records.ts";
export { kinesisRecords, type KinesisRecordsOptions } from "./connectors/kinesis/declare-records.ts";
export { replication, type Route } from "./connectors/replication/replication.ts";
export type { Origin, Place, RawHeader, RawRecord } from "./connectors/replication/raw-record.ts";
export {
  streamCopy,
  type CopyDeclaration,
  type StreamCopyDeclaration,
  type StreamCopyOptions,
} from "./connectors/stream-copy/declare.ts";
export { topicCopy, type TopicCopyDeclaration, type TopicCopyOptions } from "./connectors/topic-copy/declare.ts";
export { kinesis, type KinesisOptions } from "./connectors/kinesis/declare.ts";
export { isChange, type Change, type ChangeEvent, type ChangeOrigin, type Notice } from "./formats/change/change.ts";
export {
  debezium,
  type DebeziumEnvelope,
  type DebeziumEvent,
  type DebeziumOptions,
} from "./formats/change/debezium.ts";
export {
  decimalText,
  fromDays,
  fromMicros,
  fromNanos,
  fromZoned,
  variableDecimalText,
} from "./formats/change/debezium-values.ts";
export { dms, type DmsEvent } from "./formats/change/dms.ts";
export type { ChangeOptions, ChangeSchema } from "./formats/change/row-schema.ts";
export {
  dynamoStream,
  type DynamoStreamOptions,
  type DynamoStreamRecord,
} from "./connectors/dynamodb-stream/declare.ts";
export { dynamoTable, type DynamoTableOptions } from "./connectors/dynamodb-table/declare.ts";
export { stream, type StreamOptions } from "./connectors/kinesis/declare-sink.ts";
export { topic, type TopicOptions } from "./connectors/sns/declare.ts";
export { eventBus, type EventBusOptions } from "./connectors/eventbridge/declare.ts";
export { webhook, type WebhookOptions } from "./connectors/webhook/declare.ts";
export { s3Objects, type S3ObjectsOptions } from "./connectors/s3/declare.ts";
export { sqsQueue, type SqsQueueOptions } from "./connectors/sqs/declare-source.ts";
export { queue, type QueueOptions } from "./connectors/sqs/declare.ts";
export type { RowFor, RowShape } from "./connectors/row.ts";
export { lake, type Lake, type LakeFormat, type LakeOptions, type LakeTable } from "./connectors/firehose/declare.ts";
export { view, type View, type ViewOptions } from "./connectors/view/declare.ts";
export { day, type DayPartition } from "./connectors/firehose/event-date.ts";
export { calendarDay, calendarMonth, type CalendarOptions } from "./windows/calendar.ts";
export { countWindow } from "./windows/count.ts";
export { cumulative } from "./windows/cumulative.ts";
export { globalWindow } from "./windows/global.ts";
export { hopping } from "./windows/hopping.ts";
export { session } from "./windows/session.ts";
export { sliding } from "./windows/sliding.ts";
export { tumbling } from "./windows/tumbling.ts";
export { windows } from "./windows/custom.ts";
export type { Accumulation, EarlyFiring, LateFiring, PaneTiming, WindowTrigger } from "./windows/trigger.ts";
export type {
  AlignedWindows,
  CountWindows,
  GlobalWindow,
  SessionWindows,
  SlidingWindows,
  TimeWindows,
  Window,
  WindowAssigner,
  WindowFields,
} from "./windows/window.ts";
export type { Aggregate, TotalAggregate } from "./aggregates/aggregate.ts";
export { approxDistinct } from "./aggregates/approx-distinct.ts";
export { approxPercentile, approxPercentiles, type PercentileOptions } from "./aggregates/approx-percentile.ts";
export { collect } from "./aggregates/collect.ts";
export { count } from "./aggregates/count.ts";
export type { Countable } from "./aggregates/countable.ts";
export { custom, type CustomAggregate } from "./aggregates/custom.ts";
export { distinct } from "./aggregates/distinct.ts";
export { max, min } from "./aggregates/extremes.ts";
export { maxBy, minBy } from "./aggregates/extremes-by.ts";
export { filtered } from "./aggregates/filtered.ts";
export { first, last } from "./aggregates/first-last.ts";
export { mean } from "./aggregates/mean.ts";
export type { Ordered } from "./aggregates/ordered.ts";
export type { RankedBy } from "./aggregates/ranked.ts";
export { sum } from "./aggregates/sum.ts";
export { sumDecimal, sumExact } from "./aggregates/sum-exact.ts";
export { topN } from "./aggregates/top-n.ts";
export { stddevPop, stddevSamp, varPop, varSamp } from "./aggregates/variance.ts";
export type { Duration } from "./time/duration.ts";
export type { Instant } from "./time/instant.ts";
export { MillraceError, type ErrorKind } from "./errors.ts";
