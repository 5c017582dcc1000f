import { messageOf, MillraceError } from "../errors.ts";
import type { Unit } from "../operators/operator.ts";
import type { Output, StateShapes } from "../state/commit.ts";
import { codecOf, encodeBody } from "../state/codec.ts";
import { encodeKey } from "../state/key.ts";
import type { Attached, IncomingRecord } from "./record.ts";

/** The sink of every pipeline that takes what cannot be processed. */
export const DEAD_LETTERS = "$dead-letters";

/** The reason's code of what kills the process. */
export const KILLED = "process/killed";

/** What is common to a task's dead letters. */
export interface DeadLetterOrigin {
  readonly pipeline: string;
  readonly stage: string;
  readonly task: string;
  readonly partition: string;
}

/** Why, for a person and for a machine. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** A record, pane, timer or output that could not be processed, kept whole with the reason. */
export interface DeadLetter extends DeadLetterOrigin {
  /** The output id: the same however often it is sent. */
  readonly id: string;
  readonly kind: "record" | "pane" | "timer" | "output";
  /** The operator at work when it failed; the source for what could not be decoded. */
  readonly operator: string;
  readonly reason: Reason;
  /** For records. */
  readonly position?: { readonly sequence: string; readonly index: number };
  /** For records: epoch milliseconds. */
  readonly arrival?: number;
  readonly partitionKey?: string;
  /** For records: the payload as it came, in base64. */
  readonly payload?: string;
  /** For records: what they have beside these. */
  readonly attached?: Attached;
  /** For panes and timers: all that it takes to run it again. */
  readonly unit?: {
    /** The operator whose pane or timer it is; the letter's own is the one that failed. */
    readonly operator: string;
    readonly key: Record<string, string>;
    /** The key as state has it: `encodeKey`. */
    readonly keyCode: string;
    /** A window's start and end, a timer's name and time. */
    readonly about: Readonly<Record<string, string | number>>;
    /** A window's accumulators as they were, what a timer was set with: in base64 of the codec named. */
    readonly content: string;
    readonly codec: string;
    /** The table of the operator's state that it came out of, and its shape then: what another build must lead from. */
    readonly table?: string;
    readonly shape?: string;
  };
  /** For outputs that a sink refused for good. */
  readonly output?: { readonly sink: string; readonly id: string; readonly body: string };
}

/** Longer messages than this say no more, and user code can throw anything. */
const MAX_MESSAGE = 1_000;

export const reasonOf = (thrown: unknown): Reason => ({
  code: thrown instanceof MillraceError ? thrown.code : "user-code/threw",
  message: messageOf(thrown).slice(0, MAX_MESSAGE),
});

export const deadRecord = (
  origin: DeadLetterOrigin,
  operator: string,
  record: IncomingRecord,
  thrown: unknown,
): Output =>
  deadLetter({
    ...origin,
    kind: "record",
    operator,
    reason: reasonOf(thrown),
    position: record.position,
    arrival: record.arrival,
    partitionKey: record.partitionKey,
    payload: record.base64,
    ...(record.attached && { attached: record.attached }),
  });

/** @param shapes of the tables of the build that runs it */
export function deadUnit(
  origin: DeadLetterOrigin,
  operator: string,
  unit: Unit,
  shapes: StateShapes,
  thrown: unknown,
): Output {
  const { kind, key, about, content, table = unit.operator } = unit.describe();
  const body = encodeBody(content);
  return deadLetter({
    ...origin,
    kind,
    operator,
    reason: reasonOf(thrown),
    unit: {
      operator: unit.operator,
      key: Object.fromEntries(Object.entries(key).map(([field, value]) => [field, String(value)])),
      keyCode: encodeKey(key),
      about,
      content: Buffer.from(body).toString("base64"),
      codec: codecOf(body),
      table,
      ...(Object.hasOwn(shapes, table) && { shape: shapes[table]! }),
    },
  });
}

/** A letter that was redriven and must be set aside once more, for another reason. */
export const deadAgain = (origin: DeadLetterOrigin, { id: _id, ...letter }: DeadLetter, thrown: unknown): Output =>
  deadLetter({ ...letter, ...origin, reason: reasonOf(thrown) });

export const refusedOutput = (
  origin: DeadLetterOrigin,
  output: { readonly sink: string; readonly id: string; readonly body: string },
  message: string,
): Output =>
  deadLetter({
    ...origin,
    kind: "output",
    operator: output.sink,
    reason: { code: "sink/refused", message: message.slice(0, MAX_MESSAGE) },
    output,
  });

// ASCII throughout: queues replace or refuse some characters that a partition key can have.
const deadLetter = (letter: Omit<DeadLetter, "id">): Output => ({
  sink: DEAD_LETTERS,
  body: JSON.stringify(letter).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  ),
});
