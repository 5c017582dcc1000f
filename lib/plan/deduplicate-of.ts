import { Deduplicate, deduplicateTables, type DeduplicateSpec } from "../operators/deduplicate.ts";
import type { NodeOf, Pipeline } from "../pipeline/topology.ts";
import type { CompiledOperator } from "./operator-of.ts";
import { delayBefore } from "./window-of.ts";

/** Makes a deduplicating node runnable. */
export function deduplicateOf(pipeline: Pipeline, node: NodeOf<"deduplicate">): CompiledOperator {
  const { name, keyFields, id, within } = node;
  const spec: DeduplicateSpec = { name, keyFields, id, within, delay: delayBefore(pipeline, node) };
  return {
    tables: deduplicateTables(spec),
    bind: (context, { rows, side }) => {
      const expiring = new Deduplicate(spec, context, rows, side("late"));
      return { push: expiring.push, expiring };
    },
  };
}
