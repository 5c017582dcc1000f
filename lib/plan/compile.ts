import { StageState, type Successions } from "../operators/evolution/stage-state.ts";
import type { PartOrigins } from "../operators/evolution/part-origins.ts";
import { countFiltered, keyByOf, partialIn } from "../operators/pre-aggregate.ts";
import { fanOut } from "../operators/stateless.ts";
import type { ExpiringOperator, OperatorContext, Push, TimedOperator } from "../operators/operator.ts";
import type { TableDescription } from "../operators/stateful.ts";
import type { StageInstance, StageProgram } from "../operators/program.ts";
import { inputsOf, otherOf, type Node, type Pipeline } from "../pipeline/topology.ts";
import { hashOf, type KeyHash } from "../state/hash-range.ts";
import { keyGroupOf, partitionKeyOfGroup } from "../state/key-group.ts";
import { decodeKey, encodeKey, type KeyValues } from "../state/key.ts";
import { hashOfPartitionKey } from "../state/task-state.ts";
import { broadcastFrom } from "./broadcast-of.ts";
import { operatorOf, type BoundOperator, type CompiledOperator } from "./operator-of.ts";
import { shuffleOf } from "./shuffle-of.ts";
import { delayBefore } from "./window-of.ts";
import { preparationOf } from "./preparation-of.ts";
import type { Stage } from "./stage.ts";

/** The tables of a stage's operators, by name. */
export const tablesOf = (pipeline: Pipeline, stage: Stage): ReadonlyMap<string, TableDescription> =>
  tablesIn(placed(pipeline, stage));

/** What a stage's operators keep, and what of other builds' leads to it. */
export const stageStateOf = (pipeline: Pipeline, stage: Stage): StageState =>
  new StageState([...tablesOf(pipeline, stage).values()], successionsOf(pipeline));

/** Makes a stage of a pipeline runnable. */
export function compileStage(pipeline: Pipeline, stage: Stage): StageProgram {
  const nodes = placed(pipeline, stage);
  const tables = tablesIn(nodes);
  const state = new StageState([...tables.values()], successionsOf(pipeline));
  const hashOfKey = stage.input.kind === "shuffle" ? hashOfGroup : hashOfPartitionKey;
  return {
    pipeline: pipeline.name,
    name: stage.name,
    shapes: state.shapes,
    shuffles: stage.shuffles.map(({ stage: reader, keyBys, broadcasts }) => ({
      stage: reader,
      delay: Math.max(...[...keyBys, ...broadcasts].map((node) => delayBefore(pipeline, node))),
    })),
    replicated: new Set([...tables.values()].flatMap(({ name, isReplicated }) => (isReplicated ? [name] : []))),
    hashOfKey,
    hashOf: (name, tableKey) => {
      const { keyFields, keyCodeOf, unite } = tables.get(name)!;
      if (unite !== undefined) return keyCodeOf(tableKey); // a position is a hash
      return hashOfKey(decodeKey(keyFields, keyCodeOf(tableKey)));
    },
    unite: (deltas, position) =>
      deltas.map(([name, delta]) => [name, tables.get(name)?.unite?.(delta, position) ?? delta]),
    restore: (stored, writer) => state.restore(stored, writer),
    entryRestorers: new Map(
      [...tables.values()].flatMap(({ name, restoreEntry }) => (restoreEntry ? [[name, restoreEntry] as const] : [])),
    ),
    wayOfUnit: (unit) => state.wayOfUnit(unit),
    ...preparationOf(pipeline, stage),
    bind: (context) => bind(nodes, stage, state, context),
  };
}

function successionsOf({ nodes, dropped }: Pipeline): Successions {
  const renamed = nodes.flatMap((node) => ("was" in node ? node.was.map((old) => [old, node.name] as const) : []));
  return { renamed: new Map(renamed), dropped: new Set(dropped), names: new Set(nodes.map(({ name }) => name)) };
}

/** What was shuffled is where its key group is. */
const hashOfGroup = (key: KeyValues): KeyHash => hashOf(partitionKeyOfGroup(keyGroupOf(encodeKey(key))));

const placed = (pipeline: Pipeline, stage: Stage): readonly PlacedNode[] =>
  stage.nodes.map((index): PlacedNode => {
    const node = pipeline.nodes[index]!;
    return {
      index,
      node,
      operator: stage.roots.includes(index) ? operatorOf(pipeline, node) : within(pipeline, stage, node),
    };
  });

/** What leads out of a stage is not what it is where it leads to. */
function within(pipeline: Pipeline, stage: Stage, node: Node): CompiledOperator {
  if (node.kind === "keyBy") return shuffleOf(pipeline, stage, node);
  return node.kind === "broadcast" ? broadcastFrom(pipeline, stage, node) : operatorOf(pipeline, node);
}

const tablesIn = (nodes: readonly PlacedNode[]): ReadonlyMap<string, TableDescription> =>
  new Map(nodes.flatMap(({ operator }) => operator.tables.map((table) => [table.name, table])));

interface PlacedNode {
  readonly index: number;
  readonly node: Node;
  readonly operator: CompiledOperator;
}

/** Joins operators from the last to the first: each is given the ones after it. */
function bind(nodes: readonly PlacedNode[], stage: Stage, state: StageState, context: OperatorContext): StageInstance {
  const bounds = new Map<number, BoundOperator>();
  const timed: TimedOperator[] = [];
  const expiring: ExpiringOperator[] = [];
  const flushes: (() => void)[] = [];
  const entries = new Map<string, Push>();
  const partials = new Map<string, (from: PartOrigins | undefined) => Push>();
  for (const { index, node, operator } of nodes.toReversed()) {
    // What follows a keyBy that leads out of the stage is another stage's.
    const after = nodes.filter((next) => inputsOf(next.node).includes(index) && !stage.roots.includes(next.index));
    const pushOf = ({ index: next, node: reader }: PlacedNode) => {
      const { push, pushOther } = bounds.get(next)!;
      return otherOf(reader) === index ? pushOther! : push;
    };
    const bound = operator.bind(context, {
      rows: fanOut(after.filter(({ node }) => node.kind !== "side").map(pushOf)),
      side: (name) => {
        const side = after.find(({ node }) => node.kind === "side" && node.side === name);
        return side && pushOf(side);
      },
    });
    bounds.set(index, bound);
    entries.set(node.name, bound.push);
    if (bound.flush !== undefined) flushes.push(bound.flush);
    if (bound.partialsFrom !== undefined) partials.set(node.name, bound.partialsFrom);
    if (bound.timed !== undefined) timed.unshift(bound.timed);
    if (bound.expiring !== undefined) expiring.unshift(bound.expiring);
  }
  /** What was aggregated before the shuffle, by this build or by another one. */
  const enterPartial = (entry: string): Push | undefined => {
    const partial = partialIn(entry);
    if (partial === undefined) return undefined;
    const way = state.wayOfPartials(keyByOf(entry), partial.window, partial.shape);
    const push =
      way === "dropped" ? countFiltered(partial.window, context) : way && partials.get(way.operator)?.(way.from);
    if (push !== undefined) entries.set(entry, push);
    return push;
  };
  return {
    enter: (entry) => entries.get(entry) ?? enterPartial(entry),
    flush: () => flushes.forEach((flush) => flush()),
    timed,
    expiring,
  };
}
