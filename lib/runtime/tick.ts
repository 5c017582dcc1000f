import type { Fold } from "./fold.ts";
import type { LoadedTask } from "./loaded-task.ts";
import type { Output } from "../state/commit.ts";
import type { ArmedTick, TaskState } from "../state/task-state.ts";
import { nextRequest } from "../state/wake-requests.ts";
import { END_OF_TIME } from "../time/instant.ts";
import { parseLetter, type QueuedLetter } from "./redrive.ts";

/** The sink of every pipeline that gives a task a turn later, without records (X12). */
export const TICKS = "$ticks";

/** The sink of another stage's ticks, for a stage that reads from it. */
export const ticksOf = (stage: string): string => `${TICKS}.${stage}`;

/** A tick is sent for no later than this: queues delay no longer (AWS: SQS quotas), and a lost one is missed soon. */
const LONGEST_TICK = 900_000;

/** A tick that is overdue by more is given up as lost: retries take a while. */
const LOST_TICK = 3_600_000;

/** Two ticks of a task are at least this far apart, in milliseconds. */
const TICK_GAP = 1_000;

/** A message that gives a task a turn. */
export type ControlMessage =
  | { readonly type: "tick"; readonly task: string; readonly id: string; readonly at: number }
  /** An operator's word that the input has ended. */
  | { readonly type: "drain"; readonly task: string }
  /** Time to look after a task, or after all of a stage (X11): for what no record and no tick would find. */
  | { readonly type: "sweep"; readonly task?: string }
  /** An operator's wish that a task takes a dead letter of its own back. The task is the letter's. */
  | { readonly type: "redrive"; readonly task: string; readonly letter: QueuedLetter };

/** When a tick must come that is not on its way yet: epoch milliseconds. */
export function dueTick(
  { state, fold }: Pick<LoadedTask, "state" | "fold">,
  { idle, now }: { readonly idle: number; readonly now: () => number },
): number | undefined {
  const time = now();
  if (state.sealed !== undefined) return undefined;
  const wake = Math.min(fold.nextWake(), nextRequest(state));
  const due = Math.min(dueByEventTime(state, fold, idle, time), wake);
  if (due === Number.POSITIVE_INFINITY) return undefined;
  const at = Math.min(Math.max(due, time + TICK_GAP), time + LONGEST_TICK);
  // A tick that is long overdue was lost: another takes its place, and should it come after all it is ignored. So does
  // one that is needed sooner.
  const isOnItsWay = state.tick !== undefined && time < state.tick.at + LOST_TICK;
  const isSooner = wake <= at && at + TICK_GAP < (state.tick?.at ?? 0);
  return isOnItsWay && !isSooner ? undefined : at;
}

/**
 * When silence will have moved the watermark to what is due next, or must be told of: epoch milliseconds. Only a drain
 * ends time.
 */
function dueByEventTime(state: TaskState, fold: Fold, idle: number, time: number): number {
  const { arrival, recordWatermark } = state;
  if (idle === Number.POSITIVE_INFINITY || !fold.isSilent()) return Number.POSITIVE_INFINITY;
  const due = fold.nextDue();
  if (due >= END_OF_TIME && !mustTellSilence(state, fold)) return Number.POSITIVE_INFINITY;
  const at = arrival + (due >= END_OF_TIME ? idle : Math.max(idle, due - recordWatermark));
  // If that has passed, records wait to be read, or the source was not at its tip: look again after the time-out.
  return at > time ? at : time + idle;
}

/** A source's task with readers tells them once that it is silent; what reads a shuffle is told, and tells it at once. */
const mustTellSilence = ({ told, watermark }: TaskState, fold: Fold): boolean =>
  fold.hasReaders && !fold.readsShuffle && told?.isIdle !== true && watermark !== END_OF_TIME;

export const tickOutput = (task: string, tick: ArmedTick): Output => ({
  sink: TICKS,
  body: JSON.stringify({ type: "tick", task, ...tick } satisfies ControlMessage),
});

/** The first tick of a task that takes over from another, and may never get a record (X12). */
export const firstTickOutput = (task: string, at: number): Output => tickOutput(task, { id: "first", at });

/** Has another stage look after all of its tasks. */
export const wakeOutput = (stage: string): Output => ({
  sink: ticksOf(stage),
  body: JSON.stringify({ type: "sweep" } satisfies ControlMessage),
});

export const sweepOutput = (task: string): Output => ({
  sink: TICKS,
  body: JSON.stringify({ type: "sweep", task } satisfies ControlMessage),
});

/** A control message out of a queue's body; nothing when it is none. */
export function parseControlMessage(body: string): ControlMessage | undefined {
  let message: Partial<Record<"type" | "task" | "id" | "at" | "letter", unknown>>;
  try {
    message = JSON.parse(body) as typeof message;
  } catch {
    return undefined;
  }
  if (typeof message !== "object" || message === null) return undefined;
  const { type, task, id, at } = message;
  if (type === "sweep" && task === undefined) return { type };
  if (type === "redrive") {
    const letter = parseLetter(message.letter);
    return letter && { type, task: letter.task, letter };
  }
  if (typeof task !== "string") return undefined;
  if (type === "sweep") return { type, task };
  if (type === "drain") return { type, task };
  if (type === "tick" && typeof id === "string" && typeof at === "number") return { type, task, id, at };
  return undefined;
}
