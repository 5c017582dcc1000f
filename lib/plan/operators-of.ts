import type { Node, Pipeline } from "../pipeline/topology.ts";
import type { Stage } from "./stage.ts";

/** What passes on what comes to it, uncounted. */
const UNCOUNTED: ReadonlySet<Node["kind"]> = new Set(["union", "side"]);

const STATEFUL: ReadonlySet<Node["kind"]> = new Set(["window", "process", "deduplicate", "join"]);

/**
 * The operators of a stage that count what comes to them, as its tasks' counters name them: what it reads, under one name
 * however many `keyBy`s lead into it, and everything behind that. Sinks and the `keyBy`s that lead out are among them.
 */
export function operatorsOf({ nodes }: Pipeline, stage: Stage): readonly string[] {
  const counted = (index: number) => {
    const { kind } = nodes[index]!;
    return !UNCOUNTED.has(kind) && (!stage.roots.includes(index) || kind === "broadcast");
  };
  return [stage.input.name, ...stage.nodes.filter(counted).map((index) => nodes[index]!.name)];
}

/** The operators of a stage that keep state. A broadcast stream is a table where it is read. */
export const statefulOf = ({ nodes }: Pipeline, stage: Stage): readonly string[] =>
  stage.nodes.flatMap((index) => {
    const { kind, name } = nodes[index]!;
    return STATEFUL.has(kind) || (kind === "broadcast" && stage.roots.includes(index)) ? [name] : [];
  });
