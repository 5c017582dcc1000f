import { messageOf, systemicError } from "../errors.ts";
import type { TableDelta } from "../state/keyed-table.ts";
import type { WindowAggregateSpec } from "./window-aggregate.ts";

/**
 * Checks a window operator's accumulators that come out of storage: that there is one per aggregate, and, where an
 * aggregate has a schema for them, what it says.
 *
 * @throws systemic error `state/accumulator` naming the operator, and the aggregate
 */
export function restoreAccumulators(spec: WindowAggregateSpec, delta: TableDelta): TableDelta {
  const { length } = Object.keys(spec.aggregates);
  for (const [, , values] of delta.put) {
    if (!values.every((value) => Array.isArray(value) && value.length === length)) throw notOnePerAggregate(spec.name);
  }
  if (Object.values(spec.aggregates).every(({ restore }) => restore === undefined)) return delta;
  const put = delta.put.map(
    ([space, keys, values]) => [space, keys, values.map((value) => restoreEach(spec, value))] as const,
  );
  return { ...delta, put };
}

const notOnePerAggregate = (operator: string) =>
  systemicError({
    code: "state/accumulator",
    message: `The state of operator "${operator}" has an entry that does not hold one accumulator per aggregate.`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
  });

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
