import { readLetters } from "../../tools/dead-letters/list.ts";
import { LetterQueue } from "../../tools/dead-letters/letter-queue.ts";
import type { Checks } from "./check.ts";
import type { EmulatedStack } from "./emulated-stack.ts";

/** Records that no version can process, and why: each must become a dead letter, whole. */
const BAD: readonly { readonly partitionKey: string; readonly payload: string; readonly reason: string }[] = [
  { partitionKey: "ORD", payload: "no JSON", reason: "json/syntax" },
  {
    partitionKey: "ATL",
    payload: '{"origin":"ATL","destination":"ORD","departedAt":"soon","delay":1,"distance":606}',
    reason: "schema/mismatch",
  },
  {
    // An airport that is not the one it says it is.
    partitionKey: "JFK",
    payload: '{"origin":"SFO","destination":"JFK","departedAt":978307200000,"delay":1,"distance":2586}',
    reason: "kinesis/partition-key",
  },
];

export const BAD_RECORDS = BAD.length;

export async function putBadRecords(stack: EmulatedStack): Promise<void> {
  const results = await stack.put(
    BAD.map(({ partitionKey, payload }) => ({ PartitionKey: partitionKey, Data: Buffer.from(payload) })),
  );
  if (results.some(({ SequenceNumber }) => SequenceNumber === undefined))
    throw new Error("A bad record was not accepted.");
}

/** Each bad record is one dead letter, with its payload and its reason, and there are no others. */
export async function checkDeadLetters(stack: EmulatedStack, checks: Checks): Promise<void> {
  const queue = new LetterQueue(stack.clients.sqs, stack.bindings.deadLetterQueueUrl);
  const { letters, unreadable } = await readLetters(queue, () => false);
  const found = BAD.map(({ payload, reason }) =>
    letters.filter(
      ({ letter }) =>
        letter.kind === "record" &&
        letter.reason.code === reason &&
        Buffer.from(letter.payload ?? "", "base64").toString("utf8") === payload,
    ),
  );
  checks.that(
    "each bad record is a dead letter, whole, once",
    unreadable === 0 && letters.length === BAD.length && found.every((some) => some.length === 1),
    letters.map(({ letter }) => letter.reason.code).join(", ") || "no dead letters",
  );
}
