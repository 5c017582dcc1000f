import { ProcessOperator, type ProcessSpec } from "../operators/process/process-operator.ts";
import { processTables } from "../operators/process/process-tables.ts";
import type { NodeOf, Pipeline } from "../pipeline/topology.ts";
import type { CompiledOperator } from "./operator-of.ts";
import { delayBefore } from "./window-of.ts";

/** Makes a process function's node runnable. */
export function processOf(pipeline: Pipeline, node: NodeOf<"process">): CompiledOperator {
  const { name, keyFields, definition } = node;
  const names = Object.entries(node.broadcasts).map(([field, at]) => [field, pipeline.nodes[at]!.name] as const);
  const broadcasts = Object.fromEntries(names);
  const spec: ProcessSpec = { name, keyFields, definition, broadcasts, delay: delayBefore(pipeline, node) };
  return {
    tables: processTables(spec),
    bind: (context, outlets) => {
      const process = new ProcessOperator(spec, context, outlets);
      return { push: process.push, pushOther: process.pushOther, timed: process, expiring: process };
    },
  };
}
