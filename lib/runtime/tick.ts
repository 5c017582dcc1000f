import type { Output } from "../state/commit.ts";
import type { ArmedTick } from "../state/task-state.ts";
import { parseLetter, type QueuedLetter } from "./redrive.ts";

/** The sink of every pipeline that gives a task a turn later, without records (X12). */
export const TICKS = "$ticks";

/** A message that gives a task a turn. */
export type ControlMessage =
  | { readonly type: "tick"; readonly task: string; readonly id: string; readonly at: number }
  /** An operator's word that the input has ended. */
  | { readonly type: "drain"; readonly task: string }
  /** Time to look after a task, or after all of a stage (X11): for what no record and no tick would find. */
  | { readonly type: "sweep"; readonly task?: string }
  /** An operator's wish that a task takes a dead letter of its own back. The task is the letter's. */
  | { readonly type: "redrive"; readonly task: string; readonly letter: QueuedLetter };

export const tickOutput = (task: string, tick: ArmedTick): Output => ({
  sink: TICKS,
  body: JSON.stringify({ type: "tick", task, ...tick } satisfies ControlMessage),
});

/** The first tick of a task that takes over from another, and may never get a record (X12). */
export const firstTickOutput = (task: string, at: number): Output => tickOutput(task, { id: "first", at });

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
