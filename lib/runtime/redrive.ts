import { infrastructureError, systemicError } from "../errors.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { decodeKey, partitionKeyOf } from "../state/key.ts";
import { forgetRedriven, isRedriven, noteRedriven } from "../state/redriven.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { LoadedTask } from "./loaded-task.ts";
import type { IncomingRecord } from "./record.ts";
import { recordIn } from "./redriven-unit.ts";
import type { Trials } from "./trials.ts";

/** A dead letter as its queue has it: one too large for a message lies on S3, and the message says where. */
export type QueuedLetter = DeadLetter & { readonly whole?: { readonly bucket: string; readonly key: string } };

/** A dead letter on its way back into its task. */
export interface Redrive {
  readonly letter: DeadLetter;
  /** Whether it may be what kills the process (X7): it did before, or the message comes again and nobody knows why. */
  readonly isSuspect: boolean;
}

/** Where the whole of a dead letter lies that is too large for a message. */
export const wholeKey = (id: string): string => `dead-letters/${id}.json`;

/** What a record needs; a letter whose whole is elsewhere may lack the last of each. */
const FIELDS = {
  record: ["position", "arrival", "partitionKey", "payload"],
  pane: ["unit"],
  timer: ["unit"],
  output: ["output"],
} as const;

/** The body of the message that has a task take a letter back, made of the letter's own text. */
export const redriveBody = (letter: string): string => `{"type":"redrive","letter":${letter}}`;

/** A dead letter out of parsed JSON; nothing when it is none, or not whole and not said to be elsewhere. */
export function parseLetter(value: unknown): QueuedLetter | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const letter = value as Partial<QueuedLetter>;
  const texts = [letter.id, letter.task, letter.pipeline, letter.stage, letter.operator, letter.reason?.code];
  if (texts.some((text) => typeof text !== "string")) return undefined;
  if (letter.kind === undefined || !Object.hasOwn(FIELDS, letter.kind)) return undefined;
  if (!letter.id!.startsWith(`${letter.task!}@`)) return undefined;
  const { whole } = letter;
  if (whole !== undefined) return typeof whole.key === "string" ? (letter as QueuedLetter) : undefined;
  return FIELDS[letter.kind].every((field) => letter[field] !== undefined) ? (letter as QueuedLetter) : undefined;
}

/**
 * The letter with all that it holds.
 *
 * @throws infrastructure errors of the object store; systemic error `redrive/no-object`
 */
export async function wholeLetter(letter: QueuedLetter, objects: Pick<ObjectStore, "get">): Promise<DeadLetter> {
  const { whole, ...rest } = letter;
  if (whole === undefined) return rest;
  const object = whole.key === wholeKey(letter.id) ? await objects.get(whole.key) : undefined;
  const parsed = object === undefined ? undefined : parseLetter(JSON.parse(Buffer.from(object).toString("utf8")));
  if (parsed?.id === letter.id && parsed.whole === undefined) return parsed;
  throw systemicError({
    code: "redrive/no-object",
    message: `Dead letter ${letter.id} is not to be found in the state bucket, at ${whole.key}.`,
    advice: "Restore the object, then move the message back to the tick queue.",
  });
}

/** What decides which heir of a split or merged partition takes a letter: the partition key of what it holds. */
export function routingKeyOf({ id, partitionKey, unit }: DeadLetter): string {
  if (partitionKey !== undefined) return partitionKey;
  return unit === undefined ? id : partitionKeyOf(decodeKey(Object.keys(unit.key), unit.keyCode));
}

/**
 * Folds a letter, unless the task has it already, or was sealed: then its heir must be given it.
 *
 * @param time of the turn: epoch milliseconds
 * @returns how many records were folded; nothing when there is nothing to commit
 * @throws systemic error `redrive/other-history`
 */
export async function redriven(
  { letter, isSuspect }: Redrive,
  { state, fold, epoch }: LoadedTask,
  {
    task,
    trials,
    time,
    prepare,
  }: {
    readonly task: string;
    readonly trials: Trials;
    readonly time: number;
    /** Comes before the fold of a record. */
    readonly prepare: (records: readonly IncomingRecord[]) => Promise<void>;
  },
): Promise<number | undefined> {
  if (letter.task === task && epochIn(letter) > epoch) throw otherHistory(letter, epoch);
  if (state.sealed !== undefined) return undefined;
  const noted = { id: letter.id, routingKey: routingKeyOf(letter) };
  if (isRedriven(state, noted)) return undefined;
  forgetRedriven(state, time);
  noteRedriven(state, noted, time);
  const record = recordIn(letter);
  const prepared = async () => {
    if (record !== undefined) await prepare([record]);
    return fold.redrive(letter);
  };
  return isSuspect ? trials.redrive(letter.id, prepared, () => fold.condemnAgain(letter)) : prepared();
}

const epochIn = ({ id, task }: DeadLetter): number => Number.parseInt(id.slice(task.length + 1), 10);

const otherHistory = ({ id, task }: DeadLetter, epoch: number) =>
  systemicError({
    code: "redrive/other-history",
    message: `Dead letter ${id} is of a commit that task ${task} does not have: it is at ${epoch}.`,
    advice:
      "The changelog was restored or made anew since; what the letter holds came again, or comes, from the stream itself.",
  });

export const otherDeployment = ({ id }: DeadLetter, own: string) =>
  systemicError({
    code: "redrive/other-deployment",
    message: `Dead letter ${id} is of another pipeline, generation, stage or incarnation than ${own}, and was not redriven.`,
    advice: "Redrive it where that one is deployed, or put what it holds into the stream again.",
  });

export const noSink = ({ id, output }: DeadLetter) =>
  systemicError({
    code: "redrive/no-sink",
    message: `Dead letter ${id} is for the sink "${output!.sink}", which this build does not have.`,
    advice: "Deploy a build that has it until the letter is redriven.",
  });

export const noHeir = (task: string) =>
  infrastructureError({
    code: "redrive/no-heir",
    message: `Task ${task} was sealed, and nothing has taken over from it.`,
  });
