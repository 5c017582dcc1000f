import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Delivery, Refusal, SinkWriter } from "../../runtime/sink-writer.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { MAX_MESSAGE_BYTES, sendAll, type Message } from "./send.ts";

export interface DeadLetterWriterSettings {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly objects: ObjectStore;
  readonly bucket: string;
}

/** Sends dead letters to a queue; one too large for a message lies on S3, and the message says where. */
export class DeadLetterWriter implements SinkWriter {
  readonly #settings: DeadLetterWriterSettings;

  constructor(settings: DeadLetterWriterSettings) {
    this.#settings = settings;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    const messages: Message[] = [];
    for (const delivery of deliveries) messages.push({ body: await this.#bodyOf(delivery) });
    await sendAll(this.#settings.client, this.#settings.queueUrl, messages);
    return [];
  }

  async #bodyOf({ id, body }: Delivery): Promise<string> {
    const whole = `{"id":${JSON.stringify(id)},${body.slice(1)}`;
    if (Buffer.byteLength(whole) <= MAX_MESSAGE_BYTES) return whole;
    const key = `dead-letters/${id}.json`;
    await this.#settings.objects.put(key, Buffer.from(whole));
    const { payload: _payload, output: _output, ...rest } = JSON.parse(whole) as Record<string, unknown>;
    return JSON.stringify({ ...rest, whole: { bucket: this.#settings.bucket, key } });
  }
}
