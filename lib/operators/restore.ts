import { messageOf, systemicError } from "../errors.ts";
import type { TableDeltas } from "../state/task-state.ts";
import type { WindowAggregateSpec } from "./window-aggregate.ts";

/**
 * Checks window operators' accumulators that come out of storage, where an aggregate has a schema for them.
 *
 * @throws systemic error `state/accumulator` naming operator and aggregate
 */
export function restoreAccumulators(windows: readonly WindowAggregateSpec[], tables: TableDeltas): TableDeltas {
  const checked = windows.filter(({ aggregates }) =>
    Object.values(aggregates).some(({ restore }) => restore !== undefined),
  );
  if (checked.length === 0) return tables;
  return tables.map(([operator, delta]) => {
    const spec = checked.find(({ name }) => name === operator);
    if (spec === undefined) return [operator, delta];
    const put = delta.put.map(
      ([space, keys, values]) => [space, keys, values.map((value) => restoreEach(spec, value))] as const,
    );
    return [operator, { ...delta, put }];
  });
}

function restoreEach({ name, aggregates }: WindowAggregateSpec, accumulators: unknown): readonly unknown[] {
  return Object.entries(aggregates).map(([field, { restore }], i) => {
    const stored = (accumulators as readonly unknown[])[i];
    if (restore === undefined) return stored;
    try {
      return restore(stored);
    } catch (cause) {
      throw systemicError({
        code: "state/accumulator",
        message: `The state of operator "${name}" has an accumulator of "${field}" that its schema refuses: ${messageOf(cause)}`,
        advice: "Deploy the aggregate as it was, or raise its version and begin a new generation.",
        cause,
      });
    }
  });
}
