import { WHOLE_RANGE } from "../../state/hash-range.ts";
import { dueRequests } from "../../state/wake-requests.ts";
import type { LoadedTask } from "../loaded-task.ts";
import { wakeOutput } from "../tick.ts";

/**
 * Has stages that write to the task, and have not announced themselves for a while, look after their tasks: the tasks of
 * a source that never had a record begin, say so, and become idle after its time-out (X12). How far event time is they
 * say themselves, as ever.
 *
 * Of a stage's tasks the one with the lowest keys asks for all: news come to every one, so each waits for the same.
 *
 * @param now epoch milliseconds
 */
export function wakeProducers({ state, fold }: LoadedTask, now: number): void {
  if (!fold.readsShuffle) return;
  const isAsking = state.sealed === undefined && (state.range ?? WHOLE_RANGE).from === WHOLE_RANGE.from;
  const missing = isAsking ? fold.missingProducers() : [];
  for (const stage of dueRequests(state, missing, now)) fold.send(wakeOutput(stage));
}
