import { definitionError } from "../errors.ts";
import { checkName } from "../pipeline/names.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { nodesOf, type Node, type Pipeline } from "../pipeline/topology.ts";

/** The operators between two shuffles: one Lambda function. */
export interface Stage {
  /** Stable: the name of the source it reads. */
  readonly name: string;
  readonly source: SourceDeclaration;
  /** Indexes into the pipeline's nodes, inputs first. */
  readonly nodes: readonly number[];
  readonly sinks: readonly SinkDeclaration[];
}

/** A pipeline cut into stages: one per source, as there are no shuffles yet. */
export function planStages(pipeline: Pipeline): readonly Stage[] {
  const stageOf: number[] = [];
  pipeline.nodes.forEach((node, i) => stageOf.push(node.kind === "source" ? i : stageOf[node.input]!));
  return nodesOf(pipeline, "source").map(({ source, name }) => {
    const root = pipeline.nodes.findIndex((node) => node.kind === "source" && node.name === name);
    const nodes = pipeline.nodes.flatMap((_, i) => (stageOf[i] === root ? [i] : []));
    const sinks = nodes
      .map((i) => pipeline.nodes[i] as Node)
      .flatMap((node) => (node.kind === "sink" ? [node.sink] : []));
    return { name: checkName("A stage", name), source, nodes, sinks };
  });
}

/** @throws definition error `plan/no-stage` */
export function stageNamed(pipeline: Pipeline, name: string): Stage {
  const stages = planStages(pipeline);
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage !== undefined) return stage;
  throw definitionError({
    code: "plan/no-stage",
    message: `Pipeline "${pipeline.name}" has no stage "${name}".`,
    advice: `It has ${stages.map((candidate) => candidate.name).join(", ")}.`,
  });
}
