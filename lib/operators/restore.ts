import { messageOf, systemicError } from "../errors.ts";
import type { TableDelta } from "../state/keyed-table.ts";
import type { WindowAggregateSpec } from "./window-aggregate.ts";

/**
 * Checks a window operator's accumulators that come out of storage.
 *
 * @throws systemic error `state/accumulator` naming the operator, and the aggregate
 */
export function restoreAccumulators(spec: WindowAggregateSpec, delta: TableDelta): TableDelta {
  const put = delta.put.map(
    ([space, keys, values]) => [space, keys, values.map((value) => checkedAccumulators(spec, value))] as const,
  );
  return { ...delta, put };
}

/**
 * A window's accumulators as they come out of storage: one per aggregate, and, where an aggregate has a schema for them,
 * what it makes of them.
 *
 * @throws systemic error `state/accumulator` naming the operator, and the aggregate
 */
export function checkedAccumulators({ name, aggregates }: WindowAggregateSpec, stored: unknown): readonly unknown[] {
  const each = Object.entries(aggregates);
  if (!Array.isArray(stored) || stored.length !== each.length) throw notOnePerAggregate(name);
  return each.map(([field, { restore }], i) => {
    const accumulator = (stored as readonly unknown[])[i];
    if (restore === undefined) return accumulator;
    try {
      return restore(accumulator);
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

const notOnePerAggregate = (operator: string) =>
  systemicError({
    code: "state/accumulator",
    message: `The state of operator "${operator}" has an entry that does not hold one accumulator per aggregate.`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
  });
