import { definitionError } from "../errors.ts";
import { checkName } from "../pipeline/names.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { inputsOf, type Node, type NodeOf, type Pipeline } from "../pipeline/topology.ts";

/** What a stage reads: a source, or what other stages have shuffled. */
export type StageInput =
  | { readonly kind: "source"; readonly name: string; readonly source: SourceDeclaration }
  /** An internal stream. Every `keyBy` that leads into it is named in its records. */
  | {
      readonly kind: "shuffle";
      readonly name: string;
      readonly keyBys: readonly NodeOf<"keyBy">[];
      /** Names of the stages that write to it. */
      readonly producers: readonly string[];
    };

/** What a stage sends to another one. */
export interface OutgoingShuffle {
  /** The name of the stage that reads it: its internal stream's. */
  readonly stage: string;
  readonly keyBys: readonly NodeOf<"keyBy">[];
}

/** The operators between two shuffles: one Lambda function. */
export interface Stage {
  /** Stable: the name of the source it reads, or of the first `keyBy` that leads into it. */
  readonly name: string;
  readonly input: StageInput;
  /** Where its records enter: indexes of its source's node, or of the `keyBy`s that lead into it. */
  readonly roots: readonly number[];
  /** Indexes into the pipeline's nodes, inputs first; the roots, and each `keyBy` that leads out, are among them. */
  readonly nodes: readonly number[];
  readonly sinks: readonly SinkDeclaration[];
  readonly shuffles: readonly OutgoingShuffle[];
}

/**
 * A pipeline cut into stages, producers first: one per source, and one per `keyBy`. Stateless operators after a union
 * of several stages' streams run in each of these.
 */
export function planStages(pipeline: Pipeline): readonly Stage[] {
  const { nodes } = pipeline;
  const rootsOf = rootsOfAll(nodes);
  const roots = nodes.flatMap((node, i) => (isRoot(node) ? [i] : []));
  const nameOf = (root: number) => nodes[root]!.name;
  return roots.map((root): Stage => {
    const within = nodes.flatMap((node, i) => {
      const isWithin = i === root || (!isRoot(node) && rootsOf[i]!.has(root)) || leadsOutOf(node, root, rootsOf);
      return isWithin ? [i] : [];
    });
    const leaving = within.filter((i) => i !== root && nodes[i]!.kind === "keyBy");
    return {
      name: checkName("A stage", nameOf(root)),
      input: inputOf(nodes[root] as NodeOf<"source" | "keyBy">, rootsOf, nameOf),
      roots: [root],
      nodes: within,
      sinks: within.flatMap((i) => {
        const node = nodes[i]!;
        return node.kind === "sink" ? [node.sink] : [];
      }),
      shuffles: leaving.map((i) => ({ stage: nameOf(i), keyBys: [nodes[i] as NodeOf<"keyBy">] })),
    };
  });
}

const isRoot = ({ kind }: Node): boolean => kind === "source" || kind === "keyBy";

/** Whether a node is a `keyBy` of a stage's values. */
const leadsOutOf = (node: Node, root: number, rootsOf: readonly ReadonlySet<number>[]): boolean =>
  node.kind === "keyBy" && rootsOf[node.input]!.has(root);

/** For each node the sources and `keyBy`s that its records may come from, without another in between. */
function rootsOfAll(nodes: readonly Node[]): readonly ReadonlySet<number>[] {
  const roots: ReadonlySet<number>[] = [];
  nodes.forEach((node, i) => {
    roots.push(isRoot(node) ? new Set([i]) : new Set(inputsOf(node).flatMap((input) => [...roots[input]!])));
  });
  return roots;
}

function inputOf(
  root: NodeOf<"source" | "keyBy">,
  rootsOf: readonly ReadonlySet<number>[],
  nameOf: (root: number) => string,
): StageInput {
  const { name } = root;
  if (root.kind === "source") return { kind: "source", name, source: root.source };
  return { kind: "shuffle", name, keyBys: [root], producers: [...rootsOf[root.input]!].map(nameOf) };
}

/** Producers say themselves when they are idle, after their own time-out: what follows from it may follow soon. */
const SHUFFLE_IDLE = 10_000;

/** Milliseconds of silence after which a stage's event time moves by itself. */
export const idleOf = ({ input }: Stage): number => (input.kind === "source" ? input.source.idle : SHUFFLE_IDLE);

/** The source that a stage reads. @throws definition error `plan/no-source` for one that reads a shuffle */
export function sourceOf({ name, input }: Stage): SourceDeclaration {
  if (input.kind === "source") return input.source;
  throw definitionError({
    code: "plan/no-source",
    message: `Stage "${name}" reads what other stages have shuffled, and no source.`,
    advice: `They are ${input.producers.join(", ")}.`,
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
