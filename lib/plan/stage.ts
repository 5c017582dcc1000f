import { definitionError } from "../errors.ts";
import { checkName } from "../pipeline/names.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { isRoot, rootsOfAll } from "../pipeline/roots.ts";
import { broadcastsReadBy, inputsOf, type Node, type NodeOf, type Pipeline } from "../pipeline/topology.ts";

/** What a stage reads: a source, or what other stages have shuffled. */
export type StageInput =
  | { readonly kind: "source"; readonly name: string; readonly source: SourceDeclaration }
  /** An internal stream. Every `keyBy` that leads into it is named in its records. */
  | {
      readonly kind: "shuffle";
      readonly name: string;
      readonly keyBys: readonly NodeOf<"keyBy">[];
      /** What is broadcast comes through it too. */
      readonly broadcasts: readonly NodeOf<"broadcast">[];
      /** Names of the stages that write to it. */
      readonly producers: readonly string[];
    };

/** What a stage sends to another one. */
export interface OutgoingShuffle {
  /** The name of the stage that reads it: its internal stream's. */
  readonly stage: string;
  readonly keyBys: readonly NodeOf<"keyBy">[];
  readonly broadcasts: readonly NodeOf<"broadcast">[];
}

/** The operators between two shuffles: one Lambda function. */
export interface Stage {
  /** Stable: the name of the source it reads, or of the first `keyBy` in the pipeline that leads into it. */
  readonly name: string;
  readonly input: StageInput;
  /** Where its records enter: indexes of its source's node, or of the `keyBy`s and broadcast streams that lead into it. */
  readonly roots: readonly number[];
  /** Indexes into the pipeline's nodes, inputs first; the roots, and what leads out, are among them. */
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
  const stageOf = (node: number) => [...rootsOf[node]!][0]!;
  /** The stages that a node leads to. */
  const readersOf = (at: number): readonly number[] => {
    if (nodes[at]!.kind === "keyBy") return [stageOf(at)];
    return nodes.flatMap((node, reader) => (broadcastsReadBy(node).includes(at) ? [stageOf(reader)] : []));
  };
  const leading = nodes.flatMap((node, i) => (node.kind === "keyBy" || node.kind === "broadcast" ? [i] : []));
  const at = <K extends Node["kind"]>(kind: K, indexes: readonly number[]) =>
    indexes.map((i) => nodes[i]!).filter((node): node is NodeOf<K> => node.kind === kind);
  return producersFirst(
    stages.map((first): Stage => {
      const roots = nodes[first]!.kind === "source" ? [first] : leading.filter((i) => readersOf(i).includes(first));
      const leaving = leading.filter((i) => inputsOf(nodes[i]!).some((input) => rootsOf[input]!.has(first)));
      const own = nodes.flatMap((_, i) => (rootsOf[i]!.has(first) ? [i] : []));
      const within = [...new Set([...own, ...roots, ...leaving])].sort((a, b) => a - b);
      const producers = new Set(
        roots.flatMap((root) => inputsOf(nodes[root]!)).flatMap((input) => [...rootsOf[input]!]),
      );
      const source = nodes[first]!;
      return {
        name: checkName("A stage", nameOf(first)),
        input:
          source.kind === "source"
            ? { kind: "source", name: source.name, source: source.source }
            : {
                kind: "shuffle",
                name: source.name,
                keyBys: at("keyBy", roots),
                broadcasts: at("broadcast", roots),
                producers: [...producers].map(nameOf),
              },
        roots,
        nodes: within,
        sinks: at("sink", within).map(({ sink }) => sink),
        shuffles: [...new Set(leaving.flatMap(readersOf))].map((reader) => {
          const leadingThere = leaving.filter((i) => readersOf(i).includes(reader));
          return {
            stage: nameOf(reader),
            keyBys: at("keyBy", leadingThere),
            broadcasts: at("broadcast", leadingThere),
          };
        }),
      };
    }),
  );
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

/** Names of the stages that write to a stage; none for one that reads a source. */
export const producersOf = ({ input }: Stage): readonly string[] => (input.kind === "shuffle" ? input.producers : []);

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
