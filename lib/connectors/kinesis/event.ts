import { systemicError } from "../../errors.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import { compareSequences } from "../../state/position.ts";
import { firstRecord } from "../first-record.ts";
import type { PartitionRecords } from "../source-connector.ts";

/** What Kinesis calls shards and numbers records (AWS: Kinesis API reference, Record and Shard). */
const SHARD_ID = /^[a-zA-Z0-9_.-]{1,128}$/;
const SEQUENCE_NUMBER = /^(?:0|[1-9]\d{0,128})$/;

/** The largest arrival time that is one: what a Date can hold, in seconds. */
const MAX_ARRIVAL = 8.64e12;

/** Whether an event is of Kinesis: Lambda puts records of one source in an event. */
export const isKinesisEvent = (event: unknown): boolean => "kinesis" in (firstRecord(event) ?? {});

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
  const shards = new Map<string, IncomingRecord[]>();
  event.Records.forEach((value, index) => {
    const { shard, record } = parseRecord(value, index, streamArn);
    const records = shards.get(shard);
    const last = records?.at(-1);
    if (last !== undefined && compareSequences(last.position.sequence, record.position.sequence) > 0) {
      throw systemicError({
        code: "kinesis/order",
        message: `Record ${index} of the event, ${record.position.sequence} of ${shard}, comes after ${last.position.sequence}.`,
        advice: "A shard's records come in their order: the first of these would be taken for folded.",
      });
    }
    if (records === undefined) shards.set(shard, [record]);
    else records.push(record);
  });
  return [...shards].map(([partition, records]) => ({ partition, records }));
}

function parseRecord(value: unknown, index: number, streamArn: string) {
  const wrong = (what: string) =>
    systemicError({
      code: "kinesis/event",
      message: `Record ${index} of the event ${what}.`,
      advice: "The function is invoked by the mappings of MillracePipeline alone.",
    });
  const { eventID, eventSourceARN, kinesis } = objectOf(value) ?? {};
  if (eventSourceARN !== streamArn) {
    throw systemicError({
      code: "kinesis/other-stream",
      message: `The function is bound to ${streamArn}, and record ${index} of the event is of ${textOf(eventSourceARN)}.`,
      advice: "One mapping per source: remove the other one.",
    });
  }
  const payload = objectOf(kinesis);
  if (payload === undefined) throw wrong("has no kinesis");
  const { sequenceNumber, approximateArrivalTimestamp: arrival, partitionKey, data } = payload;
  if (typeof sequenceNumber !== "string" || !SEQUENCE_NUMBER.test(sequenceNumber)) {
    throw wrong(`has the sequence number ${textOf(sequenceNumber)}, which is none`);
  }
  // eventID is `shardId-…:sequenceNumber`
  const [shard = "", ...rest] = typeof eventID === "string" ? eventID.split(":") : [];
  if (!SHARD_ID.test(shard) || rest.join(":") !== sequenceNumber) {
    throw wrong(`has the eventID ${textOf(eventID)}, which is not that of record ${sequenceNumber}`);
  }
  if (typeof arrival !== "number" || !(arrival >= 0 && arrival <= MAX_ARRIVAL)) {
    throw wrong(`(${shard}:${sequenceNumber}) has the arrival ${textOf(arrival)}, which is no time`);
  }
  if (typeof partitionKey !== "string") throw wrong(`(${shard}:${sequenceNumber}) has no partition key`);
  if (typeof data !== "string") throw wrong(`(${shard}:${sequenceNumber}) has no data`);
  const record: IncomingRecord = {
    position: { sequence: sequenceNumber, index: 0 },
    arrival: Math.round(arrival * 1_000),
    partitionKey,
    base64: data,
  };
  return { shard, record };
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;

/** Any value as a short text: messages are for logs. */
const textOf = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 200);
