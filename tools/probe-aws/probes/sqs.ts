import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message,
  type MessageSystemAttributeName,
} from "@aws-sdk/client-sqs";
import { limit, type Probe, type ProbeContext } from "../probe.ts";

const MESSAGE_BYTES = 256 * 1_024;
const ATTRIBUTES: MessageSystemAttributeName[] = ["ApproximateReceiveCount", "SentTimestamp"];

const send = ({ clients, place }: ProbeContext, MessageBody: string, DelaySeconds?: number) =>
  clients.sqs.send(new SendMessageCommand({ QueueUrl: place.queueUrl, MessageBody, DelaySeconds }));

/** The first message with this body, within ten seconds; others are given back by their visibility timeout. */
async function receive({ clients, place }: ProbeContext, body: string): Promise<Message | undefined> {
  const until = Date.now() + 10_000;
  while (Date.now() < until) {
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: place.queueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 2,
        WaitTimeSeconds: 1,
        MessageSystemAttributeNames: ATTRIBUTES,
      }),
    );
    const found = Messages.find(({ Body }) => Body === body);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What ticks and dead letters rest on. */
export const sqsProbes: readonly Probe[] = [
  {
    service: "SQS",
    assumption: "a delay may be 900 seconds, and no more",
    run: (context) =>
      limit(
        () => send(context, "late", 900),
        () => send(context, "later", 901),
      ),
  },
  {
    service: "SQS",
    assumption: "a delayed message is not received before its time",
    async run(context) {
      const body = `${context.run}-delayed`;
      const sent = performance.now();
      await send(context, body, 3);
      const message = await receive(context, body);
      const after = performance.now() - sent;
      return {
        holds: message !== undefined && after >= 2_500,
        seen: message === undefined ? "never received" : `received after ${(after / 1_000).toFixed(1)} s of 3`,
      };
    },
  },
  {
    service: "SQS",
    assumption: "what was received and not deleted comes again, and counts how often; what was deleted does not",
    async run(context) {
      const body = `${context.run}-again`;
      await send(context, body);
      const first = await receive(context, body);
      const second = await receive(context, body);
      if (first === undefined || second === undefined) return { holds: false, seen: "not received twice" };
      const { queueUrl: QueueUrl } = context.place;
      await context.clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: second.ReceiptHandle }));
      await context.sleep(2_500);
      const { Messages = [] } = await context.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      const isGone = Messages.every(({ Body }) => Body !== body);
      const counts = [first, second].map(({ Attributes }) => Attributes?.ApproximateReceiveCount ?? "?").join(", ");
      return { holds: isGone && counts === "1, 2", seen: `received as ${counts}; ${isGone ? "gone" : "still there"}` };
    },
  },
  {
    service: "SQS",
    assumption: "a message of 256 KB is taken",
    async run(context) {
      const body = "x".repeat(MESSAGE_BYTES);
      const { holds, seen } = await limit(
        () => send(context, body),
        () => send(context, `${body}x`),
      );
      // A larger limit, as there is since 2025, does no harm.
      return { holds: holds === true || seen.startsWith("taken"), seen };
    },
  },
];
