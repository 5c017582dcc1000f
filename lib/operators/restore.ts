import type { TaskState } from "../state/task-state.ts";
import type { WindowAggregateSpec } from "./window-aggregate.ts";

/** Checks a window operator's accumulators that came out of storage, where an aggregate has a schema for them. */
export function restoreAccumulators({ name, aggregates }: WindowAggregateSpec, state: TaskState): void {
  const restores = Object.values(aggregates).map(({ restore }) => restore);
  if (restores.every((restore) => restore === undefined)) return;
  state.table(name).replaceValues((accumulators) =>
    (accumulators as readonly unknown[]).map((stored, i) => restores[i]?.(stored) ?? stored),
  );
}
