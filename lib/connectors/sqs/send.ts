import { SendMessageBatchCommand, type MessageAttributeValue, type SQSClient } from "@aws-sdk/client-sqs";
import type { Wait } from "../../runtime/retries.ts";
import type { Delivery, Refusal } from "../../runtime/sink-writer.ts";
import { deliverInBatches, TAKEN, type Entry, type Outcome } from "../batched-delivery.ts";

/** Limits of one request and of one message, in bytes: many queues take no more than 256 KiB, which was SQS's default. */
export const MAX_MESSAGE_BYTES = 256 * 1_024;
const MAX_ENTRIES = 10;

export interface Message {
  readonly body: string;
  /** From 0 to 900. */
  readonly delaySeconds?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Of a FIFO queue. Messages of one group keep their order. */
  readonly group?: string;
  /** Of a FIFO queue, which takes one message of an id in five minutes. */
  readonly deduplicationId?: string;
}

export interface SendSettings {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly wait: Wait;
  /** Whether what SQS calls the message's own fault is given up. @default false, and it fails the delivery */
  readonly mayRefuse?: boolean;
}

/** What SQS says of a message that it will never take (AWS: SQS API reference, SendMessageBatch). */
const REFUSED: ReadonlySet<string> = new Set(["InvalidMessageContents", "InvalidParameterValue"]);

/** Sends all messages, many to a request. @throws an {@link InterruptedDelivery} saying how many were taken */
export function sendAll(settings: SendSettings, messages: readonly Message[]): Promise<readonly Refusal[]> {
  return sendDeliveries(
    settings,
    messages.map((message) => ({ delivery: { id: "", body: message.body }, message })),
  );
}

/** @throws an {@link InterruptedDelivery} */
export function sendDeliveries(
  { client, queueUrl, wait, mayRefuse = false }: SendSettings,
  messages: readonly { readonly delivery: Delivery; readonly message: Message }[],
): Promise<readonly Refusal[]> {
  const entries = messages.map(({ delivery, message }): Entry<Message> => ({
    delivery,
    content: message,
    bytes: messageBytes(message),
    lane: message.group,
  }));
  return deliverInBatches(entries, {
    what: `Queue ${queueUrl}`,
    code: "sqs/send",
    maxEntries: MAX_ENTRIES,
    maxBytes: MAX_MESSAGE_BYTES,
    wait,
    async send(batch) {
      const answer = await client.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: batch.map(({ content }, i) => entryOf(content, i)),
        }),
      );
      const outcomes = batch.map((): Outcome => TAKEN);
      for (const { Id, Code = "no code", Message: why = "" } of answer.Failed ?? []) {
        const kind = mayRefuse && REFUSED.has(Code) ? "refused" : "left";
        outcomes[Number(Id)] = { kind, why: `${Code}: ${why}` };
      }
      return outcomes;
    },
  });
}

const entryOf = ({ body, delaySeconds, attributes, group, deduplicationId }: Message, i: number) => ({
  Id: String(i),
  MessageBody: body,
  DelaySeconds: delaySeconds,
  ...(attributes && { MessageAttributes: attributesOf(attributes) }),
  ...(group !== undefined && { MessageGroupId: group }),
  ...(deduplicationId !== undefined && { MessageDeduplicationId: deduplicationId }),
});

const TEXT = "String";

const attributesOf = (attributes: Readonly<Record<string, string>>): Record<string, MessageAttributeValue> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { DataType: TEXT, StringValue: value }]));

/** SQS counts attributes too: their names, types and values. */
function messageBytes({ body, attributes = {} }: Message): number {
  const counted = Object.entries(attributes).map(([name, value]) => Buffer.byteLength(name + TEXT + value));
  return counted.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(body));
}
