import { Aggregation } from "../operators/aggregation.ts";
import { CountAggregate, countRestorer } from "../operators/count-aggregate.ts";
import { fixedShape } from "../operators/evolution/state-shape.ts";
import { keyCodeIn, OpenWindows, type EndingWindows } from "../operators/open-windows.ts";
import type { PartOrigins } from "../operators/evolution/part-origins.ts";
import { pendingOf, SlidingAggregate } from "../operators/sliding-aggregate.ts";
import type { TableDescription } from "../operators/stateful.ts";
import { WindowAggregate } from "../operators/window-aggregate.ts";
import { firingsOf, timedWindowIn, wakesOf } from "../operators/window-timers.ts";
import { windowShape, type WindowSpec } from "../operators/window-spec.ts";
import { inputsOf, type Node, type NodeOf, type Pipeline } from "../pipeline/topology.ts";
import type { TableDelta } from "../state/keyed-table.ts";
import type { CountWindows, SlidingWindows } from "../windows/window.ts";
import type { CompiledOperator } from "./operator-of.ts";

/** Makes a window node runnable. */
export function windowOf(pipeline: Pipeline, node: NodeOf<"window">): CompiledOperator {
  const { assigner } = node;
  const spec = specOf(pipeline, node);
  switch (assigner.kind) {
    case "sliding":
      return slidingOf({ ...spec, assigner });
    case "count":
      return countOf({ ...spec, assigner });
    default:
      return endingOf({ ...spec, assigner });
  }
}

/** A window operator as its node describes it. */
export function specOf(pipeline: Pipeline, node: NodeOf<"window">): WindowSpec {
  const { name, assigner, allowedLateness, trigger, aggregates, keyFields, evolution } = node;
  const delay = delayBefore(pipeline, node);
  return { name, assigner, allowedLateness, trigger, aggregates, keyFields, evolution, delay };
}

function endingOf(spec: WindowSpec<EndingWindows>): CompiledOperator {
  const { name, assigner, trigger } = spec;
  const aggregation = new Aggregation(name, spec.aggregates);
  const keyCodeOf = (key: string) => keyCodeIn(assigner, key);
  const restorer = (from?: PartOrigins) => OpenWindows.restorer(assigner, aggregation, trigger !== undefined, from);
  const windows: TableDescription = {
    ...described(spec),
    keyCodeOf,
    restore: (delta, from) => restoredEach(delta, restorer(from)),
    // A key's sessions are found among those of all keys.
    ...(assigner.kind !== "session" && { restoreEntry: restorer(), isOwn: aggregation.hasOwn }),
  };
  const timers = [firingsOf(name), wakesOf(name)].map((table): TableDescription => ({
    ...besideWindows(spec, table),
    keyCodeOf: (key) => keyCodeOf(timedWindowIn(key).entryKey),
  }));
  return {
    tables: trigger === undefined ? [windows] : [windows, ...timers],
    bind: (context, { rows, side }) => {
      const timed = new WindowAggregate(spec, context, rows, side("late"));
      return { push: timed.push, partialsFrom: timed.partialsFrom, timed };
    },
  };
}

function slidingOf(spec: WindowSpec<SlidingWindows>): CompiledOperator {
  const aggregation = new Aggregation(spec.name, spec.aggregates);
  const restore = (delta: TableDelta, from?: PartOrigins) =>
    restoredEach(delta, (value) => aggregation.restore(value, from));
  return {
    tables: [{ ...described(spec), restore }, besideWindows(spec, pendingOf(spec.name))],
    bind: (context, { rows, side }) => {
      const timed = new SlidingAggregate(spec, context, rows, side("late"));
      return { push: timed.push, timed };
    },
  };
}

function countOf(spec: WindowSpec<CountWindows>): CompiledOperator {
  const aggregation = new Aggregation(spec.name, spec.aggregates);
  return {
    tables: [
      {
        ...described(spec),
        restore: (delta, from) => restoredEach(delta, countRestorer(aggregation, from)),
        restoreEntry: countRestorer(aggregation),
        isOwn: aggregation.hasOwn,
      },
    ],
    bind: (context, { rows, side }) => {
      const timed = new CountAggregate(spec, context, rows, side("late"));
      return { push: timed.push, timed };
    },
  };
}

const restoredEach = (delta: TableDelta, restored: (value: unknown) => unknown): TableDelta => ({
  ...delta,
  put: delta.put.map(([space, keys, values]) => [space, keys, values.map((value) => restored(value))] as const),
});

const described = (spec: WindowSpec): TableDescription => ({
  name: spec.name,
  shape: windowShape(spec),
  keyFields: spec.keyFields,
  keyCodeOf: (key) => key,
  restore: (delta) => delta,
});

/** A table that says of the windows when something is due: it has no accumulators. */
const besideWindows = (spec: WindowSpec, name: string): TableDescription => ({
  ...described(spec),
  name,
  shape: fixedShape(windowShape(spec).fixed),
});

/**
 * Milliseconds by which the watermark at a node trails its task's: the allowed lateness of all windows and joins before it in its
 * stage, whose rows come that much after their event time. The most, where several streams meet.
 *
 * What comes through a shuffle trails no more: its producers tell a watermark that does.
 */
export function delayBefore(pipeline: Pipeline, node: Node): number {
  const before = inputsOf(node).map((index) => {
    const input = pipeline.nodes[index]!;
    if (input.kind === "keyBy" || input.kind === "broadcast") return 0;
    // Late records are no rows of these: they come with their own event time.
    const holdsBack = (input.kind === "window" || input.kind === "join") && node.kind !== "side";
    const own = holdsBack ? input.allowedLateness : 0;
    return own + delayBefore(pipeline, input);
  });
  return Math.max(0, ...before);
}
