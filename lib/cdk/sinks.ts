import { EVENT_BUS } from "../connectors/eventbridge/declare.ts";
import { checkEventBus } from "../connectors/eventbridge/provision.ts";
import { KAFKA_TOPIC, type KafkaTopicDeclaration } from "../connectors/kafka-topic/declare.ts";
import { checkKafkaTopic } from "../connectors/kafka-topic/provision.ts";
import { STREAM } from "../connectors/kinesis/declare-sink.ts";
import { kinesisOutput } from "../connectors/kinesis/provision-sink.ts";
import { checkStream } from "../connectors/kinesis/stream-settings.ts";
import { refuseSetting } from "../connectors/limits.ts";
import type { CheckedSink } from "../connectors/provisioned.ts";
import { TOPIC, type TopicDeclaration } from "../connectors/sns/declare.ts";
import { checkTopic } from "../connectors/sns/provision.ts";
import { QUEUE, type QueueDeclaration } from "../connectors/sqs/declare.ts";
import { checkQueue } from "../connectors/sqs/provision.ts";
import { STREAM_COPY, type StreamCopyDeclaration } from "../connectors/stream-copy/declare.ts";
import { checkStreamCopy } from "../connectors/stream-copy/provision.ts";
import { TOPIC_COPY, type TopicCopyDeclaration } from "../connectors/topic-copy/declare.ts";
import { checkTopicCopy } from "../connectors/topic-copy/provision.ts";
import { VIEW } from "../connectors/view/declare.ts";
import { checkView } from "../connectors/view/provision.ts";
import { WEBHOOK, type WebhookDeclaration } from "../connectors/webhook/declare.ts";
import { checkWebhook } from "../connectors/webhook/provision.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import { toMillis } from "../time/duration.ts";
import { DEFAULT_TIMEOUT, type MillracePipelineProps } from "./pipeline-props.ts";
import { streamSettings } from "./sources.ts";

/** A sink whose settings are to be checked. */
export interface UncheckedSink {
  /** Names the construct in errors. */
  readonly what: string;
  readonly sink: SinkDeclaration;
  readonly props: MillracePipelineProps;
}

/** What provisions the sinks of each connector, but lakes, which share a bucket and a database. */
const SINKS: Readonly<Record<string, (unchecked: UncheckedSink) => CheckedSink>> = {
  [STREAM]: ({ what, sink: { name }, props }) =>
    kinesisOutput(name, checkStream(`${what}: stream "${name}"`, streamSettings(props, name))),
  [QUEUE]: ({ what, sink, props: { queues = {} } }) =>
    checkQueue(`${what}.queues: "${sink.name}"`, sink as QueueDeclaration, queues[sink.name] ?? {}),
  [KAFKA_TOPIC]: ({ what, sink, props: { kafkaTopics = {}, network } }) =>
    checkKafkaTopic(
      `${what}.kafkaTopics: "${sink.name}"`,
      sink as KafkaTopicDeclaration,
      kafkaTopics[sink.name],
      network !== undefined,
    ),
  [STREAM_COPY]: ({ what, sink, props: { streamCopies = {} } }) =>
    checkStreamCopy(`${what}.streamCopies: "${sink.name}"`, sink as StreamCopyDeclaration, streamCopies[sink.name]),
  [TOPIC_COPY]: ({ what, sink, props: { topicCopies = {}, network } }) =>
    checkTopicCopy(
      `${what}.topicCopies: "${sink.name}"`,
      sink as TopicCopyDeclaration,
      topicCopies[sink.name],
      network !== undefined,
    ),
  [VIEW]: ({ sink, props }) => checkView(sink, props.views?.[sink.name]),
  [TOPIC]: ({ what, sink, props: { topics = {} } }) =>
    checkTopic(`${what}.topics: "${sink.name}"`, sink as TopicDeclaration, topics[sink.name] ?? {}),
  [EVENT_BUS]: ({ sink: { name }, props: { eventBuses = {} } }) => checkEventBus(name, eventBuses[name] ?? {}),
  [WEBHOOK]: ({ what, sink, props: { webhooks = {}, function: settings = {} } }) =>
    checkWebhook(
      `${what}.webhooks: "${sink.name}"`,
      sink as WebhookDeclaration,
      webhooks[sink.name],
      toMillis(settings.timeout ?? DEFAULT_TIMEOUT, "timeout") / 1_000,
    ),
};

/** Whether a sink has settings of a stream. */
export const isStreamSink = ({ connector }: SinkDeclaration): boolean => connector === STREAM;

/** Settings of sinks by their names, and the connector that they are of. */
const SETTINGS = {
  kafkaTopics: KAFKA_TOPIC,
  streamCopies: STREAM_COPY,
  topicCopies: TOPIC_COPY,
  queues: QUEUE,
  topics: TOPIC,
  eventBuses: EVENT_BUS,
  webhooks: WEBHOOK,
  views: VIEW,
} as const;

/** Settings for what the pipeline does not write to are mistakes. @throws definition error `provision/refused` */
export function refuseUnknownSinks(
  what: string,
  props: MillracePipelineProps,
  sinks: readonly SinkDeclaration[],
): void {
  for (const [prop, connector] of Object.entries(SETTINGS) as [keyof typeof SETTINGS, string][]) {
    const names = new Set(sinks.filter((sink) => sink.connector === connector).map(({ name }) => name));
    const unknown = Object.keys(props[prop] ?? {}).find((name) => !names.has(name));
    if (unknown === undefined) continue;
    const known = names.size === 0 ? "It writes to none." : `It writes to ${[...names].join(", ")}.`;
    throw refuseSetting(`${what}.${prop}`, `for "${unknown}"`, known);
  }
}

/** Checks what a stage writes to. @throws definition errors naming the limit and the value given */
export function checkSink(what: string, sink: SinkDeclaration, props: MillracePipelineProps): CheckedSink {
  const check = SINKS[sink.connector];
  if (check !== undefined) return check({ what, sink, props });
  throw refuseSetting(
    `${what}: the sink "${sink.name}"`,
    `of ${sink.connector}`,
    `What is provisioned is ${["lakes", ...Object.keys(SINKS)].join(", ")}.`,
  );
}
