import { fixedShape } from "../operators/evolution/state-shape.ts";
import { sendTable } from "../operators/join/send-table.ts";
import { PreAggregate } from "../operators/pre-aggregate.ts";
import { shuffleOperator } from "../operators/shuffle.ts";
import { shuffleTableOf, type TableDescription } from "../operators/stateful.ts";
import type { EndingWindows } from "../operators/open-windows.ts";
import type { WindowSpec } from "../operators/window-spec.ts";
import type { NodeOf, Pipeline } from "../pipeline/topology.ts";
import type { CompiledOperator } from "./operator-of.ts";
import { preAggregationOf } from "./pre-aggregation.ts";
import type { Stage } from "./stage.ts";
import { specOf } from "./window-of.ts";

/** Makes a `keyBy` that leads out of a stage runnable. */
export function shuffleOf(pipeline: Pipeline, { shuffles }: Stage, keyBy: NodeOf<"keyBy">): CompiledOperator {
  const { name, key } = keyBy;
  const { stage } = shuffles.find(({ keyBys }) => keyBys.some((one) => one.name === name))!;
  const spec = { name, stage, key };
  const tables = [shuffleTable(name, stage)];
  const { table } = keyBy;
  if (table !== undefined) return { tables, bind: (context) => ({ push: sendTable(table, stage, context) }) };
  const { window } = preAggregationOf(pipeline, keyBy);
  if (window === undefined) return { tables, bind: (context) => ({ push: shuffleOperator(spec, context) }) };
  return {
    tables,
    bind: (context) => {
      const operator = new PreAggregate(spec, specOf(pipeline, window) as WindowSpec<EndingWindows>, context);
      return { push: operator.push, flush: () => operator.flush() };
    },
  };
}

/**
 * Nothing is stored. But a build without the `keyBy`, or where it leads to another stage, must not go on as if nothing
 * were left in the stream, and nothing in that stage.
 */
export const shuffleTable = (name: string, stage: string): TableDescription => ({
  name: shuffleTableOf(name),
  shape: fixedShape(stage === name ? "shuffle/1" : `shuffle/1 to ${stage}`),
  keyFields: [],
  keyCodeOf: String,
  restore: (delta) => delta,
});
