import { poisonError, systemicError } from "../../errors.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import type { PartitionRecords } from "../source-connector.ts";
import { partitionName } from "./names.ts";

/** What Lambda calls a cluster of MSK, and one that it does not know (AWS: Lambda developer guide, Kafka events). */
export const MSK = "aws:kafka";
export const SELF_MANAGED = "SelfManagedKafka";

/** The largest time that is one: what a Date can hold, in milliseconds. */
const MAX_ARRIVAL = 8.64e15;

const ADVICE = "The function is invoked by the mappings of MillracePipeline alone.";

/** What a function is bound to. */
export interface BoundTopic {
  readonly topic: string;
  /** Of MSK; undefined for another cluster. */
  readonly clusterArn: string | undefined;
}

/** Whether an event is of Kafka. */
export function isKafkaEvent(event: unknown): boolean {
  const { eventSource, records } = objectOf(event) ?? {};
  return (eventSource === MSK || eventSource === SELF_MANAGED) && objectOf(records) !== undefined;
}

/**
 * A mapping's Kafka event as records by topic-partition. All of it is checked before any of it is folded: a record under
 * another's partition or offset would be lost, or folded twice, and nobody would notice.
 *
 * @throws systemic errors `kafka/other-topic` when another topic's or cluster's mapping invokes the function, `kafka/event`
 *   when a record does not have the shape that Lambda gives it, `kafka/order` when a partition's records do not ascend
 */
export function recordsByPartition(event: object, bound: BoundTopic): readonly PartitionRecords[] {
  const { eventSource, eventSourceArn, records } = event as Record<string, unknown>;
  const isBound = bound.clusterArn === undefined ? eventSource === SELF_MANAGED : eventSourceArn === bound.clusterArn;
  if (!isBound) throw other(bound, `of the cluster ${textOf(eventSourceArn ?? eventSource)}`);
  const partitions: PartitionRecords[] = [];
  for (const [name, listed] of Object.entries(records as object)) {
    if (!Array.isArray(listed)) throw wrong(`has ${textOf(listed)} for the records of ${textOf(name)}`);
    if (listed.length === 0) continue;
    const parsed = listed.map((value, index) => parseRecord(value, name, index, bound));
    parsed.forEach(({ position }, i) => {
      const before = parsed[i - 1]?.position.sequence;
      if (before === undefined || Number(before) <= Number(position.sequence)) return;
      throw systemicError({
        code: "kafka/order",
        message: `Offset ${position.sequence} of ${name} comes after ${before} in the event.`,
        advice: "A partition's records come in their order: the first of these would be taken for folded.",
      });
    });
    partitions.push({ partition: name, records: parsed });
  }
  return partitions;
}

function parseRecord(value: unknown, name: string, index: number, bound: BoundTopic): IncomingRecord {
  const what = `has a record ${index} of ${textOf(name)} that`;
  const record = objectOf(value);
  if (record === undefined) throw wrong(`${what} is ${textOf(value)}`);
  const { topic, partition, offset, timestamp, key = null, value: payload = null, headers } = record;
  if (topic !== bound.topic) throw other(bound, `of the topic ${textOf(topic)}`);
  if (!isCount(partition) || name !== partitionName(bound.topic, partition))
    throw wrong(`${what} says to be of partition ${textOf(partition)}`);
  if (!isCount(offset)) throw wrong(`${what} has the offset ${textOf(offset)}, which is none`);
  if (typeof timestamp !== "number" || !Number.isInteger(timestamp))
    throw wrong(`${what} (offset ${offset}) has the timestamp ${textOf(timestamp)}, which is no time`);
  if (key !== null && typeof key !== "string") throw wrong(`${what} (offset ${offset}) has a key that is no text`);
  if (payload !== null && typeof payload !== "string")
    throw wrong(`${what} (offset ${offset}) has a value that is no text`);
  // What producers write is theirs: nanoseconds are a dead letter, and stop no others.
  const isTime = Math.abs(timestamp) <= MAX_ARRIVAL;
  return {
    position: { sequence: String(offset), index: 0 },
    // Producers may leave it out: Kafka then says −1.
    arrival: isTime ? Math.max(0, timestamp) : 0,
    partitionKey: key === null ? "" : Buffer.from(key, "base64").toString("utf8"),
    // Most formats have no text of no bytes: null and nothing are the same, a tombstone.
    base64: payload ?? "",
    partition: name,
    attached: { key, isTombstone: payload === null, headers, ...(!isTime && { timestamp }) },
  };
}

/** @throws poison error `kafka/timestamp` for a record whose timestamp is no time */
export function checkTimestamp({ attached }: Pick<IncomingRecord, "attached">): void {
  if (attached?.timestamp === undefined) return;
  throw poisonError({
    code: "kafka/timestamp",
    message: `The record's timestamp, ${attached.timestamp}, is no time in milliseconds.`,
    advice: "Have producers write milliseconds, or leave it to the broker: message.timestamp.type=LogAppendTime.",
  });
}

/** Offsets are JSON numbers: beyond this two of them could not be told apart. */
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const wrong = (what: string) => systemicError({ code: "kafka/event", message: `The event ${what}.`, advice: ADVICE });

const other = ({ topic, clusterArn }: BoundTopic, what: string) =>
  systemicError({
    code: "kafka/other-topic",
    message: `The function is bound to ${topic} of ${clusterArn ?? "a self-managed cluster"}, and the event is ${what}.`,
    advice: "One mapping per source: remove the other one.",
  });

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

/** Any value as a short text: messages are for logs. */
const textOf = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 200);
