import { fanOut } from "../operators/stateless.ts";
import type { ExpiringOperator, OperatorContext, Push, TimedOperator } from "../operators/operator.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import { inputsOf, type Node, type Pipeline } from "../pipeline/topology.ts";
import { decodeKey, partitionKeyOf } from "../state/key.ts";
import { operatorOf, type CompiledOperator } from "./operator-of.ts";
import type { Stage } from "./stage.ts";

/** Makes a stage of a pipeline runnable. */
export function compileStage(pipeline: Pipeline, stage: Stage): StageProgram {
  const nodes = stage.nodes.map((index): PlacedNode => {
    const node = pipeline.nodes[index]!;
    return { index, node, operator: operatorOf(pipeline, node) };
  });
  const tables = new Map(nodes.flatMap(({ operator }) => operator.tables.map((table) => [table.name, table])));
  return {
    pipeline: pipeline.name,
    name: stage.name,
    shapes: Object.fromEntries([...tables].map(([name, { shape }]) => [name, shape])),
    partitionKeyOf: (name, key) => {
      const { keyFields, keyCodeOf } = tables.get(name)!;
      return partitionKeyOf(decodeKey(keyFields, keyCodeOf(key)));
    },
    restore: (deltas) => deltas.map(([name, delta]) => [name, tables.get(name)?.restore(delta) ?? delta]),
    bind: (context) => bind(nodes, context),
  };
}

interface PlacedNode {
  readonly index: number;
  readonly node: Node;
  readonly operator: CompiledOperator;
}

/** Joins operators from the last to the first: each is given the ones after it. */
function bind(nodes: readonly PlacedNode[], context: OperatorContext): StageInstance {
  const pushes = new Map<number, Push>();
  const timed: TimedOperator[] = [];
  const expiring: ExpiringOperator[] = [];
  for (const { index, operator } of nodes.toReversed()) {
    const after = nodes.filter(({ node }) => inputsOf(node).includes(index));
    const pushOf = ({ index: next }: PlacedNode) => pushes.get(next)!;
    const bound = operator.bind(context, {
      rows: fanOut(after.filter(({ node }) => node.kind !== "side").map(pushOf)),
      side: (name) => {
        const side = after.find(({ node }) => node.kind === "side" && node.side === name);
        return side && pushOf(side);
      },
    });
    pushes.set(index, bound.push);
    if (bound.timed !== undefined) timed.unshift(bound.timed);
    if (bound.expiring !== undefined) expiring.unshift(bound.expiring);
  }
  return { push: pushes.get(nodes[0]!.index)!, timed, expiring };
}
