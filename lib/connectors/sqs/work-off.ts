import { DeleteMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { isOutOfTime } from "../../runtime/retries.ts";
import { fieldOf } from "../services.ts";
import type { UnorderedWork } from "../unordered-connector.ts";
import type { IncomingMessage } from "./messages.ts";

/** A message that was received so often and is here again may be what kills the process (X7). */
const SUSPECT_FROM = 3;

/**
 * Works off some messages.
 *
 * @param isSuspect whether it is one that came often before, and may be what ends the process
 * @returns the ids of those that must come again
 * @throws then all must
 */
export type WorkOff = (messages: readonly IncomingMessage[], isSuspect: boolean) => Promise<readonly string[]>;

/**
 * Works off a batch so that a message that ends the process takes no others with it: those that came often before are worked off
 * last, one after the other, and what is done with by then has left the queue.
 *
 * @returns the ids of those that must come again
 */
export async function workOff(
  messages: readonly IncomingMessage[],
  work: UnorderedWork,
  some: WorkOff,
): Promise<readonly string[]> {
  const failed: string[] = [];
  const stopped = new Set<string | undefined>();
  const portions = portionsOf(messages);
  for (const [i, portion] of portions.entries()) {
    if (i > 0 && isOutOfTime(work.services.wait)) {
      // What Lambda ends in the middle would count as an attempt that ended the process.
      const rest = portions.slice(i).flatMap((one) => one.map(({ id }) => id));
      work.notice(`${rest.length} messages`, OUT_OF_TIME);
      return [...failed, ...rest];
    }
    const messagesLeft = portion.filter(({ group }) => group === undefined || !stopped.has(group));
    const skipped = portion.filter((message) => !messagesLeft.includes(message));
    failed.push(...skipped.map(({ id }) => id));
    const again = new Set(await attempt(messagesLeft, work, some));
    failed.push(...again);
    for (const { id, group } of messagesLeft) if (again.has(id) && group !== undefined) stopped.add(group);
    const isLast = i === portions.length - 1;
    if (!isLast)
      await forget(
        messagesLeft.filter(({ id }) => !again.has(id)),
        work,
      );
  }
  return failed;
}

/** What is said of messages that were not begun. */
export const OUT_OF_TIME = "The invocation's time is over before they were begun: they come again.";

const isSuspect = ({ receives }: IncomingMessage): boolean => receives >= SUSPECT_FROM;

/** Messages that are worked off together. Within a group their order stays. */
function portionsOf(messages: readonly IncomingMessage[]): readonly (readonly IncomingMessage[])[] {
  if (!messages.some(isSuspect)) return [messages];
  if (messages.some(({ group }) => group !== undefined)) {
    const suspect = new Set(messages.filter(isSuspect).map(({ group }) => group));
    const others = messages.filter(({ group }) => !suspect.has(group));
    const alone = messages.filter(({ group }) => suspect.has(group)).map((message) => [message]);
    return others.length === 0 ? alone : [others, ...alone];
  }
  const others = messages.filter((message) => !isSuspect(message));
  const alone = messages
    .filter(isSuspect)
    .toSorted((a, b) => a.receives - b.receives)
    .map((message) => [message]);
  return others.length === 0 ? alone : [others, ...alone];
}

async function attempt(
  messages: readonly IncomingMessage[],
  { failed }: UnorderedWork,
  some: WorkOff,
): Promise<readonly string[]> {
  if (messages.length === 0) return [];
  try {
    return await some(messages, messages.length === 1 && isSuspect(messages[0]!));
  } catch (thrown) {
    failed(`${messages.length} messages`, thrown);
    return messages.map(({ id }) => id);
  }
}

/** Messages that a request may have (AWS: SQS API reference, DeleteMessageBatch). */
const MAX_ENTRIES = 10;

/** Takes messages that are done with out of the queue, before one that may end the process. What stays comes again. */
async function forget(
  messages: readonly IncomingMessage[],
  { services, address, notice }: UnorderedWork,
): Promise<void> {
  const QueueUrl = fieldOf(address, "queueUrl", "The source's queue");
  const client = services.aws.of(SQSClient);
  try {
    for (let from = 0; from < messages.length; from += MAX_ENTRIES) {
      const Entries = messages
        .slice(from, from + MAX_ENTRIES)
        .map(({ receiptHandle }, i) => ({ Id: String(i), ReceiptHandle: receiptHandle }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  } catch {
    notice(
      QueueUrl,
      "Messages that were worked off could not be deleted early: they may come again, with the same ids.",
    );
  }
}
