import { joinTables } from "../operators/join/join-tables.ts";
import { TemporalJoin, type JoinSpec } from "../operators/join/temporal-join.ts";
import type { NodeOf, Pipeline } from "../pipeline/topology.ts";
import type { CompiledOperator } from "./operator-of.ts";
import { delayBefore } from "./window-of.ts";

/** Makes a join's node runnable. */
export function joinOf(pipeline: Pipeline, node: NodeOf<"join">): CompiledOperator {
  const { name, table, keyFields, combine, type, allowedLateness, versions } = node;
  const delay = delayBefore(pipeline, node);
  const spec: JoinSpec = { name, table, keyFields, combine, type, allowedLateness, versions, delay };
  return {
    tables: joinTables(spec),
    bind: (context, outlets) => {
      const join = new TemporalJoin(spec, context, outlets);
      return { push: join.push, pushOther: join.pushOther, timed: join, expiring: join };
    },
  };
}
