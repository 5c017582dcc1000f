import { shuffleOperator } from "../operators/shuffle.ts";
import type { NodeOf } from "../pipeline/topology.ts";
import type { CompiledOperator } from "./operator-of.ts";
import type { Stage } from "./stage.ts";

/** Makes a `keyBy` that leads out of a stage runnable. */
export function shuffleOf({ shuffles }: Stage, { name, key }: NodeOf<"keyBy">): CompiledOperator {
  const { stage } = shuffles.find(({ keyBys }) => keyBys.some((keyBy) => keyBy.name === name))!;
  return { tables: [], bind: (context) => ({ push: shuffleOperator({ name, stage, key }, context) }) };
}
