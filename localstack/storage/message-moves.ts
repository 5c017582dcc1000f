import { LocalStackError } from "../errors.ts";
import type { JsonClient } from "../gateway/json-client.ts";

export interface MessageMovesContext {
  readonly queues: JsonClient;
  /** The URL by which the emulator knows the queue of an ARN. */
  readonly urlOf: (arn: string) => string;
  /** The ARN of the queue that set a message aside. */
  readonly movedFrom: (messageId: string) => string | undefined;
  readonly now: () => number;
}

/** What a message move task is started with, and what is told of one. */
export interface MoveInput {
  readonly SourceArn?: string;
  readonly DestinationArn?: string;
}

interface MoveTask {
  readonly Status: "COMPLETED" | "FAILED";
  readonly SourceArn: string;
  readonly DestinationArn?: string;
  readonly ApproximateNumberOfMessagesMoved: number;
  readonly ApproximateNumberOfMessagesToMove: number;
  readonly FailureReason?: string;
  readonly StartedTimestamp: number;
}

interface Received {
  readonly Messages?: readonly { readonly MessageId: string; readonly ReceiptHandle: string; readonly Body: string }[];
}

/**
 * SQS's message move tasks, which fauxqs has not: messages of a dead-letter queue go back to where they were, or to one
 * queue that is named. Here a task is over when it was started.
 */
export class MessageMoves {
  private readonly context: MessageMovesContext;
  private readonly tasks: MoveTask[] = [];

  constructor(context: MessageMovesContext) {
    this.context = context;
  }

  /** The newest first, as `ListMessageMoveTasks` has them. */
  list({ SourceArn = "" }: MoveInput): { readonly Results: readonly MoveTask[] } {
    return { Results: this.tasks.filter((task) => task.SourceArn === SourceArn).reverse() };
  }

  /** @throws LocalStackError by AWS's names */
  async start({ SourceArn = "", DestinationArn }: MoveInput): Promise<{ readonly TaskHandle: string }> {
    const { queues, urlOf, movedFrom, now } = this.context;
    const QueueUrl = urlOf(SourceArn);
    const attributes = await this.attributesOf(QueueUrl);
    if (!(await this.isDeadLetterQueue(SourceArn)))
      throw new LocalStackError("UnsupportedOperation", "Source queue must be configured as a Dead Letter Queue.");
    const toMove = Number(attributes["ApproximateNumberOfMessages"]);
    let moved = 0;
    let left = 0;
    while (moved + left < toMove) {
      const input = { QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 30, WaitTimeSeconds: 0 };
      const { Messages = [] } = (await queues.call("ReceiveMessage", input)) as Received;
      if (Messages.length === 0) break; // another reader has them
      for (const { MessageId, ReceiptHandle, Body } of Messages) {
        const to = DestinationArn ?? movedFrom(MessageId);
        if (to === undefined) left += 1;
        else {
          await queues.call("SendMessage", { QueueUrl: urlOf(to), MessageBody: Body });
          await queues.call("DeleteMessage", { QueueUrl, ReceiptHandle });
          moved += 1;
        }
      }
    }
    this.tasks.push({
      Status: left > 0 ? "FAILED" : "COMPLETED",
      SourceArn,
      ...(DestinationArn === undefined ? {} : { DestinationArn }),
      ApproximateNumberOfMessagesMoved: moved,
      ApproximateNumberOfMessagesToMove: toMove,
      // A message that was sent to the dead-letter queue itself has no queue to go back to.
      ...(left > 0 ? { FailureReason: "CouldNotDetermineMessageSource" } : {}),
      StartedTimestamp: now(),
    });
    return { TaskHandle: Buffer.from(JSON.stringify([SourceArn, this.tasks.length])).toString("base64") };
  }

  private async isDeadLetterQueue(arn: string): Promise<boolean> {
    const { QueueUrls = [] } = (await this.context.queues.call("ListQueues", {})) as {
      readonly QueueUrls?: readonly string[];
    };
    for (const url of QueueUrls) {
      const { RedrivePolicy = "{}" } = await this.attributesOf(url);
      if ((JSON.parse(RedrivePolicy) as { deadLetterTargetArn?: string }).deadLetterTargetArn === arn) return true;
    }
    return false;
  }

  private async attributesOf(QueueUrl: string): Promise<Readonly<Record<string, string>>> {
    const input = { QueueUrl, AttributeNames: ["All"] };
    const { Attributes = {} } = (await this.context.queues.call("GetQueueAttributes", input)) as {
      readonly Attributes?: Readonly<Record<string, string>>;
    };
    return Attributes;
  }
}
