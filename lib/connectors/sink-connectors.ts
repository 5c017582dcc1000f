import { systemicError } from "../errors.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import type { Address } from "../plan/bindings.ts";
import type { SinkWriter } from "../runtime/sink-writer.ts";
import { EVENT_BUS } from "./eventbridge/declare.ts";
import { LAKE } from "./firehose/declare.ts";
import { KAFKA_TOPIC } from "./kafka-topic/declare.ts";
import { STREAM } from "./kinesis/declare-sink.ts";
import type { Services } from "./services.ts";
import { TOPIC } from "./sns/declare.ts";
import { QUEUE } from "./sqs/declare.ts";
import { VIEW } from "./view/declare.ts";
import { STREAM_COPY } from "./stream-copy/declare.ts";
import { TOPIC_COPY } from "./topic-copy/declare.ts";
import { WEBHOOK } from "./webhook/declare.ts";

/** The face of a sink that delivers. */
export type MakeWriter = (sink: SinkDeclaration, address: Address, services: Services) => SinkWriter;

/** Loaded when a stage needs it: a function reads its own sinks' code alone. */
const CONNECTORS: Readonly<Record<string, () => Promise<MakeWriter>>> = {
  [LAKE]: async () => (await import("./firehose/sink.ts")).lakeWriter,
  [QUEUE]: async () => (await import("./sqs/sink.ts")).queueWriter,
  [VIEW]: async () => (await import("./view/sink.ts")).viewWriter,
  [KAFKA_TOPIC]: async () => (await import("./kafka-topic/sink.ts")).kafkaTopicWriter,
  [STREAM]: async () => (await import("./kinesis/sink.ts")).streamWriter,
  [STREAM_COPY]: async () => (await import("./stream-copy/sink.ts")).streamCopyWriter,
  [TOPIC_COPY]: async () => (await import("./topic-copy/sink.ts")).topicCopyWriter,
  [TOPIC]: async () => (await import("./sns/sink.ts")).topicWriter,
  [EVENT_BUS]: async () => (await import("./eventbridge/sink.ts")).eventBusWriter,
  [WEBHOOK]: async () => (await import("./webhook/sink.ts")).webhookWriter,
};

/** @throws systemic error `bindings/connector` */
export async function sinkWriter(sink: SinkDeclaration, address: Address, services: Services): Promise<SinkWriter> {
  const load = CONNECTORS[sink.connector];
  if (load !== undefined) return (await load())(sink, address, services);
  throw systemicError({
    code: "bindings/connector",
    message: `The sink "${sink.name}" is of "${sink.connector}", which this build cannot deliver to.`,
    advice: "Update millrace.",
  });
}
