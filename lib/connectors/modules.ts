import type { Stage } from "../plan/stage.ts";
import { DYNAMODB_STREAM } from "./dynamodb-stream/declare.ts";
import { EVENT_BUS } from "./eventbridge/declare.ts";
import { LAKE } from "./firehose/declare.ts";
import { KAFKA_TOPIC } from "./kafka-topic/declare.ts";
import { hasRegistry } from "./kafka/declare.ts";
import { KAFKA } from "./kafka/names.ts";
import { STREAM } from "./kinesis/declare-sink.ts";
import { KINESIS } from "./kinesis/declare.ts";
import { S3 } from "./s3/declare.ts";
import { TOPIC } from "./sns/declare.ts";
import { SQS } from "./sqs/declare-source.ts";
import { QUEUE } from "./sqs/declare.ts";
import { STREAM_COPY } from "./stream-copy/declare.ts";
import { TOPIC_COPY } from "./topic-copy/declare.ts";
import { VIEW } from "./view/declare.ts";
import { WEBHOOK } from "./webhook/declare.ts";

/** By connector, the module that a function reads for such a source. */
const SOURCES: Readonly<Record<string, string>> = {
  [DYNAMODB_STREAM]: "dynamodb-stream/source",
  [KINESIS]: "kinesis/source",
  [KAFKA]: "kafka/source",
  [S3]: "s3/source",
  [SQS]: "sqs/source",
};

/** The same for such a sink. */
const SINKS: Readonly<Record<string, string>> = {
  [LAKE]: "firehose/sink",
  [QUEUE]: "sqs/sink",
  [VIEW]: "view/sink",
  [KAFKA_TOPIC]: "kafka-topic/sink",
  [STREAM]: "kinesis/sink",
  [STREAM_COPY]: "stream-copy/sink",
  [TOPIC_COPY]: "topic-copy/sink",
  [TOPIC]: "sns/sink",
  [EVENT_BUS]: "eventbridge/sink",
  [WEBHOOK]: "webhook/sink",
};

const SHUFFLE = "kinesis/shuffle";
const REGISTRY = "schema-registry/registry";

/** All modules of connectors that a function reads only if it needs them. */
export const CONNECTOR_MODULES: readonly string[] = [
  ...new Set([...Object.values(SOURCES), ...Object.values(SINKS), SHUFFLE, REGISTRY]),
];

/** Those that stages ask for. */
export function modulesOf(stages: readonly Stage[]): ReadonlySet<string> {
  const modules = stages.flatMap(({ input, sinks, shuffles }) => [
    input.kind === "source" ? SOURCES[input.source.connector] : SOURCES[KINESIS],
    input.kind === "source" && hasRegistry(input.source) ? REGISTRY : undefined,
    ...sinks.map(({ connector }) => SINKS[connector]),
    shuffles.length > 0 ? SHUFFLE : undefined,
  ]);
  return new Set(modules.filter((module) => module !== undefined));
}
