import type { KafkaDeclaration } from "../connectors/kafka/declare.ts";
import { KAFKA } from "../connectors/kafka/names.ts";
import { kafkaInput } from "../connectors/kafka/provision.ts";
import { DYNAMODB_STREAM, type DynamoStreamDeclaration } from "../connectors/dynamodb-stream/declare.ts";
import { RETENTION_SECONDS, tableStreamInput } from "../connectors/dynamodb-stream/provision.ts";
import { KINESIS } from "../connectors/kinesis/declare.ts";
import { kinesisInput } from "../connectors/kinesis/provision.ts";
import { checkMapping, checkStream, type StreamSettings } from "../connectors/kinesis/stream-settings.ts";
import { S3 } from "../connectors/s3/declare.ts";
import { s3Input } from "../connectors/s3/provision.ts";
import { SQS, type SqsDeclaration } from "../connectors/sqs/declare-source.ts";
import { sqsInput } from "../connectors/sqs/provision-source.ts";
import { refuseSetting, secondsWithin, wholeWithin } from "../connectors/limits.ts";
import type { CheckedSource } from "../connectors/provisioned.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import type { Stage } from "../plan/stage.ts";
import { KEY_GROUPS } from "../state/key-group.ts";
import { toMillis } from "../time/duration.ts";
import { DEFAULT_TIMEOUT, type MillracePipelineProps } from "./pipeline-props.ts";

/** A source whose settings are to be checked. */
export interface UncheckedSource {
  /** Names the construct in errors. */
  readonly what: string;
  readonly source: SourceDeclaration;
  readonly props: MillracePipelineProps;
  /** Whether its stage keeps state. */
  readonly isStateful: boolean;
}

/** What provisions the sources of each connector. */
const SOURCES: Readonly<Record<string, (unchecked: UncheckedSource) => CheckedSource>> = {
  [DYNAMODB_STREAM]: (unchecked) => checkTableStream(unchecked),
  [KINESIS]: ({ what, source, props, isStateful }) => checkKinesis(what, source.name, props, isStateful),
  [KAFKA]: checkKafka,
  [S3]: checkS3,
  [SQS]: checkSqs,
};

/** Checks what a stage reads. @throws definition errors naming the limit and the value given */
export function checkSource(
  what: string,
  { input }: Stage,
  props: MillracePipelineProps,
  isStateful: boolean,
): CheckedSource {
  if (input.kind === "shuffle") return checkShuffle(what, input.name, props);
  const { source } = input;
  const check = SOURCES[source.connector];
  if (check !== undefined) return check({ what, source, props, isStateful });
  throw refuseSetting(
    `${what}: the source "${source.name}"`,
    `of ${source.connector}`,
    `What is provisioned is ${Object.keys(SOURCES).join(", ")}.`,
  );
}

/** Whether a stage's input is a Kinesis stream, and has settings of one. */
export const isStream = ({ input }: Stage): boolean => input.kind === "shuffle" || input.source.connector === KINESIS;

/** Settings that are of single sources, by connector. */
const OWN_SETTINGS = [
  [DYNAMODB_STREAM, "tableStreams", "dynamoStreams"],
  [S3, "s3Objects", "s3Objects"],
  [SQS, "sqsQueues", "sqsQueues"],
] as const;

/** @throws definition error `provision/refused` for settings of sources that are not there, or of another kind */
export function refuseUnknownSources(what: string, props: MillracePipelineProps, stages: readonly Stage[]): void {
  for (const [connector, setting, kind] of OWN_SETTINGS) {
    const names = stages.flatMap(({ input }) =>
      input.kind === "source" && input.source.connector === connector ? [input.source.name] : [],
    );
    const unknown = Object.keys(props[setting] ?? {}).find((name) => !names.includes(name));
    if (unknown === undefined) continue;
    const known = names.length === 0 ? `It has no ${kind}.` : `Its ${kind} are ${names.join(", ")}.`;
    throw refuseSetting(`${what}.${setting}`, `for "${unknown}"`, known);
  }
}

function checkShuffle(what: string, name: string, props: MillracePipelineProps): CheckedSource {
  const { shards, existing, startAt } = streamSettings(props, name);
  if ((shards ?? 0) > KEY_GROUPS) {
    throw refuseSetting(
      `${what}: stream "${name}".shards`,
      String(shards),
      `Keys of a shuffle are dealt out to ${KEY_GROUPS} groups: more shards would read nothing.`,
    );
  }
  if (startAt !== undefined) {
    throw refuseSetting(
      `${what}: stream "${name}".startAt`,
      "for a stream between stages",
      "All of it is read: say where the source's stream begins, in `streams`.",
    );
  }
  if (existing !== undefined) {
    throw refuseSetting(
      `${what}: stream "${name}".existing`,
      "for a stream between stages",
      "Only this pipeline may write to it: it is always made with it.",
    );
  }
  return checkKinesis(what, name, props, true);
}

function checkKinesis(what: string, name: string, props: MillracePipelineProps, isStateful: boolean): CheckedSource {
  const stream = checkStream(`${what}: stream "${name}"`, streamSettings(props, name));
  return kinesisInput({
    stream,
    mapping: checkMapping(`${what}: mapping of "${name}"`, props.mapping ?? {}, isStateful, "shards"),
    iteratorAgeSeconds: iteratorAgeSeconds(what, props, stream.retentionHours * 3_600),
  });
}

function checkTableStream({ what, source, props, isStateful }: UncheckedSource): CheckedSource {
  return tableStreamInput(
    what,
    source as DynamoStreamDeclaration,
    props.tableStreams?.[source.name],
    checkMapping(`${what}: mapping of "${source.name}"`, props.mapping ?? {}, isStateful, "shards"),
    iteratorAgeSeconds(what, props, RETENTION_SECONDS),
  );
}

const iteratorAgeSeconds = (what: string, { alarms }: MillracePipelineProps, retentionSeconds: number): number =>
  secondsWithin(`${what}.alarms.iteratorAge`, alarms?.iteratorAge ?? { seconds: retentionSeconds / 4 }, {
    least: 60,
    most: retentionSeconds,
    why: "Records older than the stream's retention are lost.",
  });

/** A stream's own settings come first. A number of shards belongs to a mode: of another mode it is not taken over. */
export function streamSettings({ stream, streams }: MillracePipelineProps, name: string): StreamSettings {
  const { shards, mode, ...others } = stream ?? {};
  const own = streams?.[name] ?? {};
  if (own.existing !== undefined) return { ...others, ...own };
  const isSameMode = own.mode === undefined || own.mode === (mode ?? "provisioned");
  return { ...others, ...(mode && { mode }), ...(isSameMode && shards !== undefined ? { shards } : {}), ...own };
}

/** Offsets that may be unread, where nothing else is said: seconds of what one poller reads. */
const OFFSET_LAG = 100_000;

function checkKafka({ what, source, props, isStateful }: UncheckedSource): CheckedSource {
  return kafkaInput({
    what: `${what}: topic of "${source.name}"`,
    source: source as KafkaDeclaration,
    settings: props.kafka?.[source.name],
    mapping: checkMapping(`${what}: mapping of "${source.name}"`, props.mapping ?? {}, isStateful, "topic"),
    offsetLag: wholeWithin(`${what}.alarms.offsetLag`, props.alarms?.offsetLag ?? OFFSET_LAG, {
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
      unit: "offsets",
      why: "Below one it is always raised.",
    }),
    pipeline: props.pipeline.name,
    generation: props.generation ?? 0,
    isInNetwork: props.network !== undefined,
  });
}

function checkSqs({ what, source, props }: UncheckedSource): CheckedSource {
  return sqsInput({
    what: `${what}: sqsQueues.${source.name}`,
    source: source as SqsDeclaration,
    settings: props.sqsQueues?.[source.name] ?? {},
    ...readingOf(what, props),
  });
}

function checkS3({ what, source, props }: UncheckedSource): CheckedSource {
  return s3Input({
    what: `${what}: s3Objects.${source.name}`,
    source,
    settings: props.s3Objects?.[source.name],
    ...readingOf(what, props),
  });
}

/** What every queue that is read follows from. */
const readingOf = (what: string, { alarms, function: settings }: MillracePipelineProps) => ({
  timeoutSeconds: toMillis(settings?.timeout ?? DEFAULT_TIMEOUT, `${what}.function.timeout`) / 1_000,
  age: alarms?.iteratorAge,
});
