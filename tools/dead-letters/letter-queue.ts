import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type Message,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { infrastructureError } from "../../lib/errors.ts";
import { parseLetter, type QueuedLetter } from "../../lib/runtime/redrive.ts";

/** A message of the dead-letter queue. */
export interface ReceivedLetter {
  readonly messageId: string;
  /** As it was sent. */
  readonly body: string;
  /** When it became a dead letter: epoch milliseconds. */
  readonly sentAt: number;
  /** Nothing for a message that is no dead letter. */
  readonly letter: QueuedLetter | undefined;
}

/** Entries of one request (AWS: SQS quotas). */
const MAX_ENTRIES = 10;

/** What was read is hidden from other readers for this long, and for as long as reading takes. */
const LEAST_HIDDEN_SECONDS = 30;
const MOST_HIDDEN_SECONDS = 43_200;

/** Answers without anything new after which a queue counts as read: one may have missed some servers. */
const LAST_LOOKS = 2;

/**
 * The dead-letter queue, read from one end to the other. Reading hides: what was not deleted is given back by
 * {@link giveBack}, and should that not be reached, comes back by itself.
 */
export class LetterQueue {
  readonly #client: SQSClient;
  readonly #url: string;
  readonly #leastHidden: number;
  /** What is hidden, by message: the receipt that gives it back. */
  readonly #receipts = new Map<string, string>();

  /** @param leastHidden seconds that what is read is hidden for at least */
  constructor(client: SQSClient, url: string, leastHidden = LEAST_HIDDEN_SECONDS) {
    this.#client = client;
    this.#url = url;
    this.#leastHidden = leastHidden;
  }

  /**
   * All messages, a few at a time, each once.
   *
   * @param perSecond how many of them are dealt with in a second
   */
  async *read(perSecond: number): AsyncGenerator<readonly ReceivedLetter[]> {
    const hidden = await this.#hiddenSeconds(perSecond);
    for (let looks = 0; looks < LAST_LOOKS;) {
      const { Messages = [] } = await this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: this.#url,
          MaxNumberOfMessages: MAX_ENTRIES,
          VisibilityTimeout: hidden,
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ["SentTimestamp"],
        }),
      );
      const fresh = Messages.filter(({ MessageId }) => !this.#receipts.has(MessageId!));
      for (const { MessageId, ReceiptHandle } of Messages) this.#receipts.set(MessageId!, ReceiptHandle!);
      looks = fresh.length === 0 ? looks + 1 : 0;
      if (fresh.length > 0) yield fresh.map(received);
    }
  }

  /** Deletes messages. One that cannot be is read again some day, which does no harm. */
  async delete(messages: readonly ReceivedLetter[]): Promise<void> {
    for (const batch of inTens(messages)) {
      const { Failed = [] } = await this.#client.send(
        new DeleteMessageBatchCommand({
          QueueUrl: this.#url,
          Entries: batch.map(({ messageId }, i) => ({
            Id: String(i),
            ReceiptHandle: this.#receipts.get(messageId),
          })),
        }),
      );
      if (Failed[0] !== undefined) {
        throw infrastructureError({
          code: "sqs/delete",
          message: `Queue ${this.#url} did not delete ${Failed.length} of ${batch.length} letters (${Failed[0].Code ?? "no code"}).`,
          advice: "They were sent to their task. Run the command again: a letter has its effect once.",
        });
      }
      // An empty receipt: known, and no more to be given back.
      for (const { messageId } of batch) this.#receipts.set(messageId, "");
    }
  }

  /** Shows other readers again what was read and not deleted. What cannot be told comes back by itself. */
  async giveBack(): Promise<void> {
    const receipts = [...this.#receipts.values()].filter((receipt) => receipt !== "");
    for (const batch of inTens(receipts)) {
      const Entries = batch.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle, VisibilityTimeout: 0 }));
      const request = new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#url, Entries });
      await this.#client.send(request).catch(() => undefined);
    }
  }

  /** How many messages another reader has hidden at the moment, about. */
  async hiddenByOthers(): Promise<number> {
    const { Attributes } = await this.#attributes();
    const own = [...this.#receipts.values()].filter((receipt) => receipt !== "").length;
    return Math.max(0, Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0) - own);
  }

  async #hiddenSeconds(perSecond: number): Promise<number> {
    const { Attributes } = await this.#attributes();
    const messages = Number(Attributes?.ApproximateNumberOfMessages ?? 0);
    return Math.min(MOST_HIDDEN_SECONDS, this.#leastHidden + Math.ceil((2 * messages) / perSecond));
  }

  #attributes() {
    return this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#url,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
    );
  }
}

function received({ MessageId, Body = "", Attributes }: Message): ReceivedLetter {
  let letter: QueuedLetter | undefined;
  try {
    letter = parseLetter(JSON.parse(Body));
  } catch {
    letter = undefined;
  }
  return { messageId: MessageId!, body: Body, sentAt: Number(Attributes?.SentTimestamp ?? 0), letter };
}

const inTens = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / MAX_ENTRIES) }, (_, i) =>
    items.slice(i * MAX_ENTRIES, (i + 1) * MAX_ENTRIES),
  );
