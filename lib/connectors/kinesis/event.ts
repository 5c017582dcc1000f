import { systemicError } from "../../errors.ts";
import { firstRecord } from "../first-record.ts";
import type { PartitionRecords } from "../source-connector.ts";
import type { KinesisRecord } from "./event-pattern.ts";
import { inShards, MAX_ARRIVAL, SHARD_ID, type ShardRecord } from "./shard-records.ts";
import { learnFrom, recordsRead } from "./unparsed-event.ts";

const IS_SHARD_ID = new RegExp(`^${SHARD_ID}$`);

/** Whether a text is what Kinesis numbers records by (AWS: Kinesis API reference, Record): a whole number without leading zeros, of at most 129 digits. */
function isSequenceNumber(text: string): boolean {
  if (text.length === 0 || text.length > 129 || (text.length > 1 && text[0] === "0")) return false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x30 || unit > 0x39) return false;
  }
  return true;
}

/** Whether an event is of Kinesis: Lambda puts records of one source in an event. */
export const isKinesisEvent = (event: unknown): boolean =>
  recordsRead(event) !== undefined || "kinesis" in (firstRecord(event) ?? {});

/**
 * A mapping's Kinesis event as records by shard. All of it is checked before any of it is folded: a record under
 * another's shard or position would be lost, or folded twice, and nobody would notice.
 *
 * @throws systemic errors `kinesis/other-stream` when another stream's mapping invokes the function, `kinesis/event`
 *   when a record does not have the shape that Lambda gives it, `kinesis/order` when a shard's records do not ascend
 */
export function recordsByShard(
  event: { readonly Records: readonly unknown[] },
  streamArn: string,
): readonly PartitionRecords[] {
  const read = recordsRead(event);
  if (read?.like.eventSourceARN === streamArn) return inShards(read.records);
  let shard = ""; // records of a shard come one after the other
  const records = event.Records.map((value, index) => {
    const payload = payloadIn(value, index, streamArn);
    shard = shardOf(value as { readonly eventID?: unknown }, index, payload.sequenceNumber, shard);
    return recordOf(payload, index, shard);
  });
  const shards = inShards(records);
  if (records.length > 0) learnFrom(event.Records[0] as KinesisRecord);
  return shards;
}

const wrong = (index: number, what: string) =>
  systemicError({
    code: "kinesis/event",
    message: `Record ${index} of the event ${what}.`,
    advice: "The function is invoked by the mappings of MillracePipeline alone.",
  });

interface Payload {
  readonly sequenceNumber: string;
  readonly approximateArrivalTimestamp?: unknown;
  readonly partitionKey?: unknown;
  readonly data?: unknown;
}

function payloadIn(value: unknown, index: number, streamArn: string): Payload {
  const { eventSourceARN, kinesis } = objectOf(value) ?? {};
  if (eventSourceARN !== streamArn) {
    throw systemicError({
      code: "kinesis/other-stream",
      message: `The function is bound to ${streamArn}, and record ${index} of the event is of ${textOf(eventSourceARN)}.`,
      advice: "One mapping per source: remove the other one.",
    });
  }
  const payload = objectOf(kinesis);
  if (payload === undefined) throw wrong(index, "has no kinesis");
  const { sequenceNumber } = payload;
  if (typeof sequenceNumber === "string" && isSequenceNumber(sequenceNumber)) return payload as unknown as Payload;
  throw wrong(index, `has the sequence number ${textOf(sequenceNumber)}, which is none`);
}

/** The shard that an `eventID` names: `shardId-…:sequenceNumber`. @param before that of the record before */
function shardOf({ eventID }: { readonly eventID?: unknown }, index: number, sequence: string, before: string): string {
  const end = typeof eventID === "string" ? eventID.length - sequence.length - 1 : 0;
  const id = eventID as string;
  // Where no more than the text is left, to look for it takes half of the time of endsWith.
  if (end > 0 && id[end] === ":" && id.indexOf(sequence, end) === end + 1) {
    if (end === before.length && id.indexOf(before) === 0) return before;
    const shard = id.slice(0, end);
    if (IS_SHARD_ID.test(shard)) return shard;
  }
  throw wrong(index, `has the eventID ${textOf(eventID)}, which is not that of record ${sequence}`);
}

function recordOf(payload: Payload, index: number, shard: string): ShardRecord {
  const { sequenceNumber, approximateArrivalTimestamp: arrival, partitionKey, data } = payload;
  const what = (problem: string) => wrong(index, `(${shard}:${sequenceNumber}) ${problem}`);
  if (typeof arrival !== "number" || !(arrival >= 0 && arrival <= MAX_ARRIVAL))
    throw what(`has the arrival ${textOf(arrival)}, which is no time`);
  if (typeof partitionKey !== "string") throw what("has no partition key");
  if (typeof data !== "string") throw what("has no data");
  return {
    position: { sequence: sequenceNumber, index: 0 },
    arrival: Math.round(arrival * 1_000),
    partitionKey,
    base64: data,
    partition: shard,
  };
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;

/** Any value as a short text: messages are for logs. */
const textOf = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 200);
