import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Wait } from "../../runtime/retries.ts";
import type { Delivery, Refusal, SinkWriter } from "../../runtime/sink-writer.ts";
import { sendAll } from "./send.ts";

/** SQS delays a message by at most this (AWS: SQS quotas); a tick that is due later comes early and is sent again. */
const MAX_DELAY_SECONDS = 900;

export interface TickWriterSettings {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: Wait;
}

/** Sends ticks to a queue, delayed until they are due. */
export class TickWriter implements SinkWriter {
  readonly #settings: TickWriterSettings;

  constructor(settings: TickWriterSettings) {
    this.#settings = settings;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    const { now } = this.#settings;
    const messages = deliveries.map(({ body }) => {
      const { at } = JSON.parse(body) as { at?: number };
      const seconds = at === undefined ? 0 : Math.ceil((at - now()) / 1_000);
      return { body, delaySeconds: Math.min(Math.max(seconds, 0), MAX_DELAY_SECONDS) };
    });
    return sendAll(this.#settings, messages);
  }
}
