import { restoreAccumulators } from "../operators/restore.ts";
import { WindowAggregate, windowShape, type WindowAggregateSpec } from "../operators/window-aggregate.ts";
import { inputsOf, type Node, type NodeOf, type Pipeline } from "../pipeline/topology.ts";
import type { CompiledOperator } from "./operator-of.ts";

/** Makes a window node runnable. */
export function windowOf(pipeline: Pipeline, node: NodeOf<"window">): CompiledOperator {
  const { name, assigner, allowedLateness, aggregates, keyFields } = node;
  const delay = delayBefore(pipeline, node);
  const spec: WindowAggregateSpec = { name, assigner, allowedLateness, aggregates, keyFields, delay };
  return {
    tables: [
      {
        name,
        shape: windowShape(spec),
        keyFields,
        keyCodeOf: (key) => key,
        restore: (delta) => restoreAccumulators(spec, delta),
      },
    ],
    bind: (context, { rows, side }) => {
      const timed = new WindowAggregate(spec, context, rows, side("late"));
      return { push: timed.push, timed };
    },
  };
}

/**
 * Milliseconds by which the watermark at a node trails its task's: the allowed lateness of all windows before it, whose
 * rows come that much after their event time. The most, where several streams meet.
 */
export function delayBefore(pipeline: Pipeline, node: Node): number {
  const before = inputsOf(node).map((index) => {
    const input = pipeline.nodes[index]!;
    // Late records are no rows of the window: they come with their own event time.
    const own = input.kind === "window" && node.kind !== "side" ? input.allowedLateness : 0;
    return own + delayBefore(pipeline, input);
  });
  return Math.max(0, ...before);
}
