import type { SQSRecord } from "aws-lambda";
import { systemicError } from "../../errors.ts";
import { firstRecord } from "../first-record.ts";

/** A message, as far as it is read. */
export interface IncomingMessage {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** When it was sent, by SQS's clock: epoch milliseconds. */
  readonly sent: number;
  /** How often it was received, this time included. */
  readonly receives: number;
  /** Of a FIFO queue. */
  readonly group: string | undefined;
}

/** Whether an event is of a queue's mapping: a stage has another queue beside it. */
export const isEventOf = (event: unknown, queueArn: string): boolean => {
  const first = firstRecord(event) as Partial<SQSRecord> | undefined;
  return first !== undefined && "receiptHandle" in first && first.eventSourceARN === queueArn;
};

/**
 * A mapping's event as messages, in their order. All of it is checked before any of it is worked off.
 *
 * @throws systemic errors `sqs/event` when a message does not have the shape that Lambda gives it, `sqs/other-queue` when it is of
 *   another queue
 */
export function messagesIn(
  event: { readonly Records: readonly unknown[] },
  queueArn: string,
): readonly IncomingMessage[] {
  return event.Records.map((value, index) => {
    const wrong = (what: string) =>
      systemicError({
        code: "sqs/event",
        message: `Record ${index} of the event ${what}.`,
        advice: "The function is invoked by the mappings of MillracePipeline alone.",
      });
    if (typeof value !== "object" || value === null) throw wrong("is no message");
    const { messageId, receiptHandle, body, attributes, eventSourceARN } = value as Record<keyof SQSRecord, unknown>;
    if (eventSourceARN !== queueArn) {
      throw systemicError({
        code: "sqs/other-queue",
        message: `The function is bound to ${queueArn}, and record ${index} of the event is of ${textOf(eventSourceARN)}.`,
        advice: "One mapping per source: remove the other one.",
      });
    }
    if (typeof messageId !== "string" || messageId === "") throw wrong("has no messageId");
    if (typeof receiptHandle !== "string" || receiptHandle === "") throw wrong(`(${messageId}) has no receiptHandle`);
    if (typeof body !== "string") throw wrong(`(${messageId}) has no body`);
    if (typeof attributes !== "object" || attributes === null) throw wrong(`(${messageId}) has no attributes`);
    const { SentTimestamp, ApproximateReceiveCount, MessageGroupId: group } = attributes as Record<string, unknown>;
    const [sent, receives] = [wholeIn(SentTimestamp), wholeIn(ApproximateReceiveCount)];
    if (sent === undefined || sent > LAST_TIME) {
      throw wrong(`(${messageId}) has the SentTimestamp ${textOf(SentTimestamp)}, which is no time`);
    }
    if (receives === undefined) {
      throw wrong(
        `(${messageId}) has the ApproximateReceiveCount ${textOf(ApproximateReceiveCount)}, which is no count`,
      );
    }
    if (group !== undefined && typeof group !== "string")
      throw wrong(`(${messageId}) has a MessageGroupId that is no text`);
    return { id: messageId, receiptHandle, body, sent, receives, group };
  });
}

/** What a Date can hold. */
const LAST_TIME = 8.64e15;

const wholeIn = (text: unknown): number | undefined =>
  typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : undefined;

/** Any value as a short text: messages are for logs. */
const textOf = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 200);
