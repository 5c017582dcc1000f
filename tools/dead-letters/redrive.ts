import { createHash } from "node:crypto";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { letterBody } from "../../lib/connectors/sqs/dead-letters.ts";
import { MAX_MESSAGE_BYTES, sendAll, type Message } from "../../lib/connectors/sqs/send.ts";
import { redriveBody, type QueuedLetter } from "../../lib/runtime/redrive.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import type { LetterQueue, ReceivedLetter } from "./letter-queue.ts";
import type { Selection } from "./options.ts";
import { stageOf, type Place } from "./place.ts";

export interface RedriveOptions {
  readonly selection: Selection;
  readonly dryRun: boolean;
  /** Letters a second. */
  readonly rate: number;
}

export interface RedriveContext {
  readonly client: SQSClient;
  readonly objects: Pick<ObjectStore, "put">;
  readonly place: Place;
  /** Whether it is time to end. */
  readonly isOver: () => boolean;
  readonly onProgress: (summary: RedriveSummary) => void;
  /** Milliseconds, of any clock. */
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
}

export interface RedriveSummary {
  /** Letters that were sent to their tasks, or would have been. */
  readonly redriven: readonly QueuedLetter[];
  /** Further copies of those: queues deliver at least once. */
  readonly copies: number;
  readonly refused: readonly { readonly id: string; readonly why: string }[];
  /** Ids that were asked for and not found. */
  readonly missing: readonly string[];
  /** Messages that are no dead letters. */
  readonly unreadable: number;
  /** Letters that were read and not asked for. */
  readonly others: number;
  /** New letters of what was redriven just now: it failed again, and is left for another run. */
  readonly again: number;
}

/**
 * Sends letters back to their tasks, and takes them out of the dead-letter queue: in this order, so that one is always
 * in one of the two. What is in both is folded once, by its id, which the task knows (`lib/runtime/redrive.ts`).
 *
 * @throws what stands in the way; then what was not redriven is still in the queue
 */
export async function redriveAll(
  queue: LetterQueue,
  { selection, dryRun, rate }: RedriveOptions,
  context: RedriveContext,
): Promise<RedriveSummary> {
  const { isOver, onProgress, now, sleep } = context;
  const redriven = new Map<string, QueuedLetter>();
  const refused = new Map<string, string>();
  const tally = { copies: 0, unreadable: 0, others: 0, again: 0 };
  const held = new Set<string>();
  const summary = (): RedriveSummary => ({
    ...tally,
    redriven: [...redriven.values()],
    refused: [...refused].map(([id, why]) => ({ id, why })),
    missing: "ids" in selection ? selection.ids.filter((id) => !redriven.has(id) && !refused.has(id)) : [],
  });
  const began = now();
  try {
    for await (const messages of queue.read(rate)) {
      const done: ReceivedLetter[] = [];
      const outgoing = new Map<string, Message[]>();
      const going = new Map<string, QueuedLetter>();
      for (const message of messages) {
        const { letter, body } = message;
        if (letter === undefined) tally.unreadable++;
        else if (redriven.has(letter.id) || going.has(letter.id)) {
          tally.copies++;
          done.push(message);
        } else if (held.has(whatIsIn(letter))) tally.again++;
        else if (!isSelected(letter, selection)) tally.others++;
        else {
          const target = targetOf(letter, context.place);
          if ("why" in target) {
            refused.set(letter.id, target.why);
            continue;
          }
          going.set(letter.id, letter);
          held.add(whatIsIn(letter));
          done.push(message);
          const bodies = outgoing.get(target.url) ?? [];
          outgoing.set(target.url, bodies);
          if (!dryRun) bodies.push({ body: await bodyOf(letter.id, body, context) });
        }
      }
      if (!dryRun) {
        for (const [url, bodies] of outgoing) {
          await sendAll({ client: context.client, queueUrl: url, wait: sleep }, bodies);
        }
        await queue.delete(done);
      }
      for (const [id, letter] of going) redriven.set(id, letter);
      onProgress(summary());
      if (isOver()) break;
      const due = began + (redriven.size / rate) * 1_000;
      if (!dryRun && due > now()) await sleep(due - now());
    }
    return summary();
  } finally {
    await queue.giveBack();
  }
}

function isSelected({ id, reason }: QueuedLetter, selection: Selection): boolean {
  if ("ids" in selection) return selection.ids.includes(id);
  return "all" in selection || reason.code === selection.reason;
}

/**
 * What a letter holds, as a text that a new letter of the same has too. Without it a run would take up again and again
 * what fails again and again.
 */
function whatIsIn({ id, task, kind, position, partitionKey, unit, output }: QueuedLetter): string {
  const deployment = task.slice(0, task.lastIndexOf(":")); // all but the partition, which may have been split since
  const content = {
    record: [position, partitionKey],
    pane: [unit?.operator, unit?.keyCode, unit?.about],
    timer: [unit?.operator, unit?.keyCode, unit?.about],
    output: output === undefined ? [id] : [output.sink, output.body],
  };
  return createHash("sha256")
    .update(JSON.stringify([deployment, kind, content[kind]]))
    .digest("base64");
}

function targetOf({ task, whole }: QueuedLetter, place: Place): { readonly url: string } | { readonly why: string } {
  const stage = stageOf(place, task);
  if (stage === undefined) {
    const known = place.stages.map(({ tasks }) => tasks).join(" or ");
    return {
      why: `is of task ${task}: another pipeline, generation, stage or incarnation than ${known}. Redrive it where that one is deployed, or put what it holds into the stream again.`,
    };
  }
  if (whole !== undefined && whole.bucket !== place.bucket) {
    return {
      why: `lies in the bucket ${whole.bucket}, and the function reads ${place.bucket}. Copy ${whole.key} there.`,
    };
  }
  return { url: stage.controlQueueUrl };
}

/** A message that is full of its letter cannot hold the redrive of it: then the letter goes to S3. */
async function bodyOf(id: string, letter: string, { objects, place }: RedriveContext): Promise<string> {
  const body = redriveBody(letter);
  if (Buffer.byteLength(body) <= MAX_MESSAGE_BYTES) return body;
  return redriveBody(await letterBody(id, letter, objects, place.bucket));
}
