import type { TaskState } from "./task-state.ts";

/** The table of the dead letters that a task has taken back: their ids, by the day of it. */
export const REDRIVEN = "$redriven";

const DAY = 24 * 3_600_000;

/**
 * How long an id is kept: longer than any copy of its letter can come. The dead-letter queue keeps a copy for 14 days
 * after the first was redriven, the control queue what is made of it for 14 more, and as many again if it is moved
 * back out of the queue of lost ticks.
 */
const KEPT_DAYS = 60;

/** A dead letter as the table knows it. */
export interface RedrivenLetter {
  readonly id: string;
  /** What decides which heir takes it over when the partition is split: the partition key of what it holds. */
  readonly routingKey: string;
}

const keyOf = ({ routingKey, id }: RedrivenLetter): string => JSON.stringify([routingKey, id]);

/** The routing key of a key of the table. */
export const routingKeyIn = (key: string): string => (JSON.parse(key) as [string, string])[0];

/** The letter's id in a key of the table. */
export const letterIdIn = (key: string): string => (JSON.parse(key) as [string, string])[1];

export function isRedriven(state: TaskState, letter: RedrivenLetter): boolean {
  if (!state.hasTable(REDRIVEN)) return false;
  const table = state.table(REDRIVEN);
  const key = keyOf(letter);
  return [...table.spaces()].some((day) => table.get(day, key) !== undefined);
}

/** @param time epoch milliseconds */
export function noteRedriven(state: TaskState, letter: RedrivenLetter, time: number): void {
  state.table(REDRIVEN).put(Math.floor(time / DAY), keyOf(letter), true);
}

/** Forgets the ids that no copy can come of any more (X9). @returns whether there were any; a sealed task keeps its own */
export function forgetRedriven(state: TaskState, time: number): boolean {
  if (state.sealed !== undefined || !state.hasTable(REDRIVEN)) return false;
  const table = state.table(REDRIVEN);
  const old = [...table.spaces()].filter((day) => day < Math.floor(time / DAY) - KEPT_DAYS);
  for (const day of old) table.drop(day);
  return old.length > 0;
}
