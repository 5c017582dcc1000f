import { definitionError } from "../errors.ts";
import { checkName } from "../pipeline/names.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { isRoot, rootsOfAll } from "../pipeline/roots.ts";
import type { Node, NodeOf, Pipeline } from "../pipeline/topology.ts";

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
  /** Stable: the name of the source it reads, or of the first `keyBy` in the pipeline that leads into it. */
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
 * A pipeline cut into stages, producers first: one per source, and one per `keyBy`, or several `keyBy`s whose streams an
 * operator connects. Stateless operators after a union of several stages' streams run in each of these.
 */
export function planStages({ nodes }: Pipeline): readonly Stage[] {
  const rootsOf = rootsOfAll(nodes);
  const stages = nodes.flatMap((node, first) => (isRoot(node) && rootsOf[first]!.has(first) ? [first] : []));
  const nameOf = (first: number) => nodes[first]!.name;
  const stageOf = (keyBy: number) => [...rootsOf[keyBy]!][0]!;
  return producersFirst(
    stages.map((first): Stage => {
      const roots = nodes.flatMap((node, i) => (isRoot(node) && stageOf(i) === first ? [i] : []));
      const within = nodes.flatMap((node, i) =>
        rootsOf[i]!.has(first) || leadsOutOf(node, first, rootsOf) ? [i] : [],
      );
      const leaving = within.filter((i) => !roots.includes(i) && nodes[i]!.kind === "keyBy");
      return {
        name: checkName("A stage", nameOf(first)),
        input: inputOf(nodes, roots, rootsOf, nameOf),
        roots,
        nodes: within,
        sinks: within.flatMap((i) => {
          const node = nodes[i]!;
          return node.kind === "sink" ? [node.sink] : [];
        }),
        shuffles: [...new Set(leaving.map(stageOf))].map((reader) => ({
          stage: nameOf(reader),
          keyBys: leaving.filter((i) => stageOf(i) === reader).map((i) => nodes[i] as NodeOf<"keyBy">),
        })),
      };
    }),
  );
}

/** Whether a node is a `keyBy` of a stage's values. */
const leadsOutOf = (node: Node, stage: number, rootsOf: readonly ReadonlySet<number>[]): boolean =>
  node.kind === "keyBy" && rootsOf[node.input]!.has(stage);

function inputOf(
  nodes: readonly Node[],
  roots: readonly number[],
  rootsOf: readonly ReadonlySet<number>[],
  nameOf: (stage: number) => string,
): StageInput {
  const [first, ...others] = roots.map((root) => nodes[root] as NodeOf<"source" | "keyBy">);
  const { name } = first!;
  if (first!.kind === "source") return { kind: "source", name, source: first!.source };
  const keyBys = [first, ...others] as readonly NodeOf<"keyBy">[];
  const producers = new Set(keyBys.flatMap(({ input }) => [...rootsOf[input]!]));
  return { kind: "shuffle", name, keyBys, producers: [...producers].map(nameOf) };
}

/** Stages in the order given, but each after those that it reads from. */
function producersFirst(stages: readonly Stage[]): readonly Stage[] {
  const ordered = new Set<Stage>();
  const add = (stage: Stage): void => {
    if (stage.input.kind === "shuffle") {
      for (const producer of stage.input.producers) add(stages.find(({ name }) => name === producer)!);
    }
    ordered.add(stage);
  };
  stages.forEach(add);
  return [...ordered];
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
