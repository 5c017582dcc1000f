import type { SQSClient } from "@aws-sdk/client-sqs";
import type { DeadLetter } from "../../runtime/dead-letter.ts";
import { wholeKey } from "../../runtime/redrive.ts";
import type { Wait } from "../../runtime/retries.ts";
import type { Delivery, Refusal, SinkWriter } from "../../runtime/sink-writer.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { MAX_MESSAGE_BYTES, sendAll, type Message } from "./send.ts";

export interface DeadLetterWriterSettings {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly objects: ObjectStore;
  readonly bucket: string;
  readonly wait: Wait;
}

/** Bytes that are kept free in a message, for the one that has a task take the letter back. */
const REDRIVE_BYTES = 1_024;

/** Sends dead letters to a queue; one too large for a message lies on S3, and the message says where. */
export class DeadLetterWriter implements SinkWriter {
  readonly #settings: DeadLetterWriterSettings;

  constructor(settings: DeadLetterWriterSettings) {
    this.#settings = settings;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    const messages: Message[] = [];
    const { objects, bucket } = this.#settings;
    for (const { id, body } of deliveries) {
      messages.push({ body: await letterBody(id, `{"id":${JSON.stringify(id)},${body.slice(1)}`, objects, bucket) });
    }
    return sendAll(this.#settings, messages);
  }
}

/** A letter as its message has it: whole, or on S3 and with what is large left out. */
export async function letterBody(
  id: string,
  letter: string,
  objects: Pick<ObjectStore, "put">,
  bucket: string,
): Promise<string> {
  if (Buffer.byteLength(letter) <= MAX_MESSAGE_BYTES - REDRIVE_BYTES) return letter;
  const key = wholeKey(id);
  await objects.put(key, Buffer.from(letter));
  const { payload: _payload, output: _output, unit, ...rest } = JSON.parse(letter) as DeadLetter;
  const { content: _content, ...frame } = unit ?? {};
  return JSON.stringify({ ...rest, ...(unit && { unit: frame }), whole: { bucket, key } });
}
