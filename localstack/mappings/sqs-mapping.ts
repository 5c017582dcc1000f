import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Faults } from "../faults.ts";
import type { FunctionOutcome } from "../function/function-host.ts";
import type { JsonClient } from "../gateway/json-client.ts";
import { account } from "../template/account.ts";
import type { Notice } from "../types.ts";
import { judgeAnswer } from "./batch-answer.ts";
import type { MappingSettings } from "./mapping-settings.ts";

interface Message {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly MD5OfMessageAttributes?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttribute>>;
}

interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

export interface SqsMappingContext {
  readonly settings: MappingSettings;
  readonly client: JsonClient;
  /** The URL by which the emulator knows the queue. */
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly invoke: (event: Buffer) => Promise<FunctionOutcome>;
  readonly onNotice: (notice: Notice) => void;
}

const longPollSeconds = 10;
const receiveLimit = 10;

/** A mapping from a queue: receives, invokes, deletes what succeeded; the rest comes again when its visibility ends. */
export class SqsMapping {
  readonly settings: MappingSettings;
  private readonly context: SqsMappingContext;
  private readonly abort = new AbortController();
  private readonly handling = new Set<Promise<void>>();
  private receiver: Promise<void> | undefined;

  constructor(context: SqsMappingContext) {
    this.context = context;
    this.settings = context.settings;
  }

  start(): void {
    this.receiver = this.receive();
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.receiver;
    await Promise.all(this.handling);
  }

  private async receive(): Promise<void> {
    const { signal } = this.abort;
    while (!signal.aborted) {
      try {
        const batch = await this.collect();
        if (batch.length === 0) continue;
        const work = this.handle(batch).finally(() => this.handling.delete(work));
        this.handling.add(work);
        while (this.handling.size >= this.settings.maximumConcurrency) await Promise.race(this.handling);
      } catch (error) {
        if (signal.aborted) return;
        this.warn(`receiving failed (${reasonOf(error)}); trying again`);
        await this.context.clock.sleep(1_000, signal);
      }
    }
  }

  /** Messages for one batch: full, or all there were when the batching window closed. */
  private async collect(): Promise<readonly Message[]> {
    const { settings, clock } = this.context;
    const messages = [...(await this.receiveSome(settings.batchSize, longPollSeconds))];
    if (messages.length === 0 || settings.windowMillis === 0) return messages;
    const closesAt = clock.now() + settings.windowMillis;
    while (messages.length < settings.batchSize && !this.abort.signal.aborted) {
      const left = closesAt - clock.now();
      if (left <= 0) break;
      const more = await this.receiveSome(settings.batchSize - messages.length, 0);
      messages.push(...more);
      if (more.length === 0) await clock.sleep(Math.min(left, 50), this.abort.signal);
    }
    return messages;
  }

  private async receiveSome(most: number, WaitTimeSeconds: number): Promise<readonly Message[]> {
    const output = (await this.context.client.call(
      "ReceiveMessage",
      {
        QueueUrl: this.context.queueUrl,
        MaxNumberOfMessages: Math.min(receiveLimit, most),
        WaitTimeSeconds,
        AttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      },
      this.abort.signal,
    )) as { readonly Messages?: readonly Message[] };
    return output.Messages ?? [];
  }

  private async handle(messages: readonly Message[]): Promise<void> {
    const { settings, faults } = this.context;
    const event = { Records: messages.map((message) => eventRecord(message, settings.sourceArn)) };
    const outcome = await this.context.invoke(Buffer.from(JSON.stringify(event)));
    if (this.abort.signal.aborted) return;
    if (!outcome.ok) {
      this.warn(`${messages.length} messages failed (${outcome.failure.errorType}: ${outcome.failure.errorMessage})`);
      return;
    }
    if (faults.strikes("repeatBatch")) {
      faults.injectedOne("repeatBatch");
      return;
    }
    const ids = new Set(messages.map((message) => message.MessageId));
    const verdict = settings.reportsItemFailures
      ? judgeAnswer(outcome.answer, (id) => ids.has(id))
      : ({ kind: "success" } as const);
    if (verdict.kind === "failure") {
      this.warn(`${messages.length} messages failed (${verdict.reason})`);
      return;
    }
    const failed = new Set(verdict.kind === "partial" ? verdict.failed : []);
    await this.delete(messages.filter((message) => !failed.has(message.MessageId)));
  }

  private async delete(messages: readonly Message[]): Promise<void> {
    const QueueUrl = this.context.queueUrl;
    try {
      for (let start = 0; start < messages.length; start += receiveLimit) {
        const Entries = messages
          .slice(start, start + receiveLimit)
          .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
        await this.context.client.call("DeleteMessageBatch", { QueueUrl, Entries });
      }
    } catch (error) {
      this.warn(`deleting messages failed, they will come again (${reasonOf(error)})`);
    }
  }

  private warn(text: string): void {
    this.context.onNotice({ level: "warning", text: `${this.settings.logicalId}: ${text}` });
  }
}

/** A message in the shape of an SQS event (`SQSRecord` of @types/aws-lambda). */
function eventRecord(message: Message, eventSourceARN: string): Record<string, unknown> {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        {
          ...(StringValue === undefined ? {} : { stringValue: StringValue }),
          ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType: DataType,
        },
      ]),
    ),
    ...(message.MD5OfMessageAttributes === undefined ? {} : { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN,
    awsRegion: account.region,
  };
}
