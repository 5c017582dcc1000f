import { PRODUCERS } from "./producers.ts";
import type { TaskState } from "./task-state.ts";

/** The space of {@link PRODUCERS} that says when a stage that has not announced itself is woken next: epoch milliseconds. */
const REQUESTS = 1;

/** A stage has so long to announce itself before it is woken, in milliseconds: most do so at their first record. */
const PATIENCE = 60_000;

/** A request is repeated after so long, in milliseconds: it may be lost, or fail. */
const REPEATED_AFTER = 900_000;

/**
 * Which of the stages that a task waits for must be woken now. It takes note of when to do so next, and forgets those
 * that it waits for no more.
 *
 * @param missing names of the stages that have not announced themselves
 * @param now epoch milliseconds
 */
export function dueRequests(state: TaskState, missing: readonly string[], now: number): readonly string[] {
  const table = state.table(PRODUCERS);
  for (const stage of [...table.entriesOf(REQUESTS).keys()])
    if (!missing.includes(stage)) table.remove(REQUESTS, stage);
  return missing.filter((stage) => {
    const at = table.get(REQUESTS, stage) as number | undefined;
    const isDue = at !== undefined && at <= now;
    if (at === undefined || isDue) table.put(REQUESTS, stage, now + (isDue ? REPEATED_AFTER : PATIENCE));
    return isDue;
  });
}

/** When a stage must be woken next: epoch milliseconds; infinity when the task waits for none. */
export function nextRequest(state: TaskState): number {
  if (!state.hasTable(PRODUCERS)) return Number.POSITIVE_INFINITY;
  return Math.min(...(state.table(PRODUCERS).entriesOf(REQUESTS) as ReadonlyMap<string, number>).values());
}
