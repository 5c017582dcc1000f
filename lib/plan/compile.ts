import { fanOut, filterOperator, flatMapOperator, mapOperator } from "../operators/stateless.ts";
import type { OperatorContext, Push } from "../operators/operator.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import { sinkOperator } from "../operators/sink.ts";
import { WindowAggregate, windowShape, type WindowAggregateSpec } from "../operators/window-aggregate.ts";
import { restoreAccumulators } from "../operators/restore.ts";
import type { Node, NodeOf, Pipeline } from "../pipeline/topology.ts";
import { decodeKey, partitionKeyOf } from "../state/key.ts";
import type { Stage } from "./stage.ts";

/** Makes a stage of a pipeline runnable. */
export function compileStage(pipeline: Pipeline, stage: Stage): StageProgram {
  const nodes = stage.nodes.map((index) => ({ index, node: pipeline.nodes[index]! }));
  const windows = nodes.flatMap(({ node }) => (node.kind === "window" ? [specOf(pipeline, stage, node)] : []));
  return {
    pipeline: pipeline.name,
    name: stage.name,
    shapes: Object.fromEntries(windows.map((spec) => [spec.name, windowShape(spec)])),
    // Every operator's state is by the source's key, until there are shuffles.
    partitionKeyOf: (_operator, keyCode) => partitionKeyOf(decodeKey(stage.source.keyFields, keyCode)),
    restore: (tables) => restoreAccumulators(windows, tables),
    bind: (context) => bind(nodes, windows, context),
  };
}

interface PlacedNode {
  readonly index: number;
  readonly node: Node;
}

/** Joins operators from the last to the first: each is given the ones after it. */
function bind(
  nodes: readonly PlacedNode[],
  windows: readonly WindowAggregateSpec[],
  context: OperatorContext,
): StageInstance {
  const pushes = new Map<number, Push>();
  const timed: WindowAggregate[] = [];
  const after = (input: number, isNext: (node: Node) => boolean = (node) => node.kind !== "late") =>
    fanOut(
      nodes.flatMap(({ index, node }) =>
        node.kind !== "source" && node.input === input && isNext(node) ? [pushes.get(index)!] : [],
      ),
    );
  for (const { index, node } of nodes.toReversed()) {
    const next = after(index);
    switch (node.kind) {
      case "filter":
        pushes.set(index, filterOperator(node.name, node.predicate, context, next));
        break;
      case "map":
        pushes.set(index, mapOperator(node.name, node.change, context, next));
        break;
      case "flatMap":
        pushes.set(index, flatMapOperator(node.name, node.expand, context, next));
        break;
      case "window": {
        const spec = windows.find(({ name }) => name === node.name)!;
        const window = new WindowAggregate(
          spec,
          context,
          next,
          after(index, (other) => other.kind === "late"),
        );
        timed.unshift(window);
        pushes.set(index, window.push);
        break;
      }
      case "sink":
        pushes.set(index, sinkOperator(node.sink, context));
        break;
      case "source":
      case "late":
        pushes.set(index, next);
        break;
    }
  }
  return { push: pushes.get(nodes[0]!.index)!, timed };
}

function specOf(pipeline: Pipeline, stage: Stage, node: NodeOf<"window">): WindowAggregateSpec {
  const { name, assigner, allowedLateness, aggregates } = node;
  return {
    name,
    assigner,
    allowedLateness,
    aggregates,
    keyFields: stage.source.keyFields,
    delay: delayBefore(pipeline, node),
  };
}

/** The allowed lateness of all windows whose rows lead to the node. */
function delayBefore(pipeline: Pipeline, node: Node): number {
  if (node.kind === "source") return 0;
  const input = pipeline.nodes[node.input]!;
  // Late records are no rows of the window: they come with their own event time.
  const own = input.kind === "window" && node.kind !== "late" ? input.allowedLateness : 0;
  return own + delayBefore(pipeline, input);
}
