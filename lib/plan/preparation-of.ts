import { enriched, lookupKeyOf, type EnrichSpec } from "../operators/enrich.ts";
import type { OperatorContext, Push } from "../operators/operator.ts";
import type { Ask, Preparation } from "../operators/preparation.ts";
import { fanOut } from "../operators/stateless.ts";
import { inputsOf, type Node, type NodeOf, type Pipeline } from "../pipeline/topology.ts";
import { TaskState } from "../state/task-state.ts";
import { NO_TRACES } from "../state/traceparent.ts";
import { operatorOf } from "./operator-of.ts";
import type { Stage } from "./stage.ts";

/** The operators of a stage that look things up. */
export const enrichmentsOf = (pipeline: Pipeline, stage: Stage): readonly NodeOf<"enrich">[] =>
  stage.nodes.map((index) => pipeline.nodes[index]!).filter((node) => node.kind === "enrich");

/** What comes before a stage's fold, where operators look things up. */
export function preparationOf(pipeline: Pipeline, stage: Stage): { readonly preparation?: Preparation } {
  const specs = enrichmentsOf(pipeline, stage).map(({ spec }) => spec);
  if (specs.length === 0) return {};
  const leading = new Set<number>();
  for (const index of stage.nodes.toReversed()) {
    const isAsked = pipeline.nodes[index]!.kind === "enrich" || leading.has(index);
    if (!isAsked) continue;
    leading.add(index);
    if (!stage.roots.includes(index)) for (const input of inputsOf(pipeline.nodes[index]!)) leading.add(input);
  }
  const nodes = stage.nodes.flatMap((index) => (leading.has(index) ? [{ index, node: pipeline.nodes[index]! }] : []));
  const bindTo = (ask: Ask) => {
    const entries = bind(pipeline, stage, nodes, ask);
    return (entry: string) => entries.get(entry) ?? (() => undefined);
  };
  return { preparation: { specs, bind: bindTo } };
}

interface PlacedNode {
  readonly index: number;
  readonly node: Node;
}

/** Joins what leads to lookups. @returns where values enter, by name */
function bind(pipeline: Pipeline, stage: Stage, nodes: readonly PlacedNode[], ask: Ask): ReadonlyMap<string, Push> {
  const context = withoutEffects();
  const pushes = new Map<number, Push>();
  for (const { index, node } of nodes.toReversed()) {
    const after = nodes.filter((next) => inputsOf(next.node).includes(index) && !stage.roots.includes(next.index));
    const pushOf = ({ index: next }: PlacedNode) => pushes.get(next)!;
    const rows = fanOut(after.filter((next) => next.node.kind !== "side").map(pushOf));
    const side = (name: string) => {
      const found = after.find((next) => next.node.kind === "side" && next.node.side === name);
      return found && pushOf(found);
    };
    const push =
      node.kind === "enrich"
        ? asking(node.spec, ask, rows)
        : operatorOf(pipeline, node).bind(context, { rows, side }).push;
    pushes.set(index, push);
  }
  const { state } = context;
  return new Map(
    nodes.map(({ index, node }) => {
      const push = pushes.get(index)!;
      const enter: Push = (value, meta) => {
        state.beginUnit(); // what the one before has counted is remembered no more
        push(value, meta);
      };
      return [node.name, enter];
    }),
  );
}

/** A value goes on where what it needs is known. */
function asking(spec: EnrichSpec, ask: Ask, next: Push): Push {
  return (value, meta) => {
    const key = lookupKeyOf(spec, value);
    const answer = key === undefined ? { value: undefined } : ask(spec, key);
    if (answer !== undefined) next(enriched(spec, value, answer), meta);
  };
}

/** What stateless operators touch, and nothing comes of it. */
const withoutEffects = (): OperatorContext => ({
  state: new TaskState(),
  now: () => Number.NaN,
  answerOf: () => undefined,
  enter: () => undefined,
  measure: () => undefined,
  send: () => undefined,
  traces: () => NO_TRACES,
  traced: (_traces, work) => work(),
});
