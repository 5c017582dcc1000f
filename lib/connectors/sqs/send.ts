import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { infrastructureError } from "../../errors.ts";
import { InterruptedDelivery } from "../../runtime/sink-writer.ts";

/** Limits of one request and of one message, in bytes: queues default to 256 KiB. */
export const MAX_MESSAGE_BYTES = 256 * 1_024;
const MAX_ENTRIES = 10;

export interface Message {
  readonly body: string;
  /** From 0 to 900. */
  readonly delaySeconds?: number;
}

/** Sends all messages, many to a request. @throws an {@link InterruptedDelivery} saying how many were taken */
export async function sendAll(client: SQSClient, queueUrl: string, messages: readonly Message[]): Promise<void> {
  let sent = 0;
  for (const batch of batches(messages)) {
    try {
      await sendBatch(client, queueUrl, batch);
    } catch (cause) {
      throw new InterruptedDelivery(sent, cause);
    }
    sent += batch.length;
  }
}

async function sendBatch(client: SQSClient, queueUrl: string, batch: readonly Message[]): Promise<void> {
  const answer = await client.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: batch.map(({ body, delaySeconds }, i) => ({
        Id: String(i),
        MessageBody: body,
        DelaySeconds: delaySeconds,
      })),
    }),
  );
  const failed = answer.Failed ?? [];
  if (failed.length > 0) {
    throw infrastructureError({
      code: "sqs/send",
      message: `Queue ${queueUrl} did not take ${failed.length} of ${batch.length} messages (${failed[0]?.Code ?? "no code"}: ${failed[0]?.Message ?? ""}).`,
    });
  }
}

function batches(messages: readonly Message[]): Message[][] {
  const all: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const size = Buffer.byteLength(message.body);
    if (bytes + size > MAX_MESSAGE_BYTES || all.at(-1)!.length === MAX_ENTRIES) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)!.push(message);
    bytes += size;
  }
  return all;
}
