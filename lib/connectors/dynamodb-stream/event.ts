import { systemicError } from "../../errors.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import { compareSequences } from "../../state/position.ts";
import { firstRecord } from "../first-record.ts";

/** DynamoDB Streams API reference, StreamRecord: 21 to 40 characters; emulators have shorter ones. */
const SEQUENCE_NUMBER = /^[1-9]\d{0,39}$/;

/** The largest time that is one: what a Date can hold, in seconds. */
const MAX_SECONDS = 8.64e12;

/** What `images` of an address says when the old ones are needed. */
export const NEW_AND_OLD = "new-and-old";

/** Whether an event is of a table's stream: Lambda puts records of one source in an event. */
export const isDynamoStreamEvent = (event: unknown): boolean => "dynamodb" in (firstRecord(event) ?? {});

/** A batch as it comes: of one shard, which it does not name. */
export interface ShardBatch {
  /** The globally unique id of its first record. */
  readonly firstId: string;
  readonly records: readonly IncomingRecord[];
}

/** Which images a stream's records must have. */
export interface NeededImages {
  readonly streamArn: string;
  /** Whether the old ones are needed beside the new ones. */
  readonly hasOldImages: boolean;
}

/**
 * A mapping's event as the records of a shard. All of it is checked before any of it is folded.
 *
 * @throws systemic errors `dynamodb-stream/other-stream` when another stream's mapping invokes the function,
 *   `dynamodb-stream/event` when a record does not have the shape that Lambda gives it, `dynamodb-stream/order` when records do
 *   not ascend, `dynamodb-stream/view` when the stream's records do not have the images that the source needs
 */
export function batchOf(event: { readonly Records: readonly unknown[] }, needed: NeededImages): ShardBatch {
  const parsed = event.Records.map((value, index) => parseRecord(value, index, needed));
  parsed.forEach(({ record }, index) => {
    const last = parsed[index - 1]?.record.position.sequence;
    if (last === undefined || compareSequences(last, record.position.sequence) <= 0) return;
    throw systemicError({
      code: "dynamodb-stream/order",
      message: `Record ${index} of the event, ${record.position.sequence}, comes after ${last}.`,
      advice: "A shard's records come in their order: the first of these would be taken for folded.",
    });
  });
  return { firstId: parsed[0]!.id, records: parsed.map(({ record }) => record) };
}

function parseRecord(value: unknown, index: number, { streamArn, hasOldImages }: NeededImages) {
  const wrong = (what: string) =>
    systemicError({
      code: "dynamodb-stream/event",
      message: `Record ${index} of the event ${what}.`,
      advice: "The function is invoked by the mappings of MillracePipeline alone.",
    });
  const { eventID: id, eventName, eventSourceARN, dynamodb, userIdentity } = objectOf(value) ?? {};
  if (eventSourceARN !== streamArn) {
    throw systemicError({
      code: "dynamodb-stream/other-stream",
      message: `The function is bound to ${streamArn}, and record ${index} of the event is of ${textOf(eventSourceARN)}.`,
      advice: "One mapping per source: remove the other one.",
    });
  }
  const change = objectOf(dynamodb);
  if (change === undefined) throw wrong("has no dynamodb");
  const { SequenceNumber: sequence, ApproximateCreationDateTime: seconds, Keys, StreamViewType: view } = change;
  if (typeof sequence !== "string" || !SEQUENCE_NUMBER.test(sequence)) {
    throw wrong(`has the sequence number ${textOf(sequence)}, which is none`);
  }
  if (typeof id !== "string" || id === "") throw wrong(`(${sequence}) has no eventID`);
  if (typeof seconds !== "number" || !(seconds >= 0 && seconds <= MAX_SECONDS)) {
    throw wrong(`(${sequence}) has the time ${textOf(seconds)}, which is none`);
  }
  if (view !== "NEW_AND_OLD_IMAGES" && (hasOldImages || view !== "NEW_IMAGE")) {
    throw systemicError({
      code: "dynamodb-stream/view",
      message: `The stream ${streamArn} has the view type ${textOf(view)}.`,
      advice: `It must be ${hasOldImages ? "" : "NEW_IMAGE or "}NEW_AND_OLD_IMAGES: make the table's stream anew, and raise the source's incarnation.`,
    });
  }
  const payload = { eventName, dynamodb: change, ...(userIdentity !== undefined && { userIdentity }) };
  const record: IncomingRecord = {
    position: { sequence, index: 0 },
    arrival: Math.round(seconds * 1_000),
    partitionKey: JSON.stringify(Keys ?? {}),
    base64: Buffer.from(JSON.stringify(payload)).toString("base64"),
  };
  return { id, record };
}

const objectOf = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;

/** Any value as a short text: messages are for logs. */
const textOf = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 200);
