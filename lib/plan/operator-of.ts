import type { PartOrigins } from "../operators/evolution/part-origins.ts";
import type { ExpiringOperator, OperatorContext, Push, TimedOperator } from "../operators/operator.ts";
import { fanOut, filterOperator, flatMapOperator, mapOperator, splitOperator } from "../operators/stateless.ts";
import type { TableDescription } from "../operators/stateful.ts";
import { enrichOperator } from "../operators/enrich.ts";
import { metricOperator } from "../operators/metric.ts";
import { sinkOperator } from "../operators/sink.ts";
import type { Node, Pipeline } from "../pipeline/topology.ts";
import { broadcastOf } from "./broadcast-of.ts";
import { deduplicateOf } from "./deduplicate-of.ts";
import { joinOf } from "./join-of.ts";
import { processOf } from "./process-of.ts";
import { windowOf } from "./window-of.ts";

/** Where an operator's results go. */
export interface Outlets {
  readonly rows: Push;
  /** What leaves it beside the rows; undefined where nobody uses it. */
  readonly side: (name: string) => Push | undefined;
}

/** A node that can be run: its user code, and what is known of its state, without any state. */
export interface CompiledOperator {
  readonly tables: readonly TableDescription[];
  readonly bind: (context: OperatorContext, outlets: Outlets) => BoundOperator;
}

/** An operator bound to one task's state. */
export interface BoundOperator {
  readonly push: Push;
  /** Takes the values of the stream that its own is connected with. */
  readonly pushOther?: Push;
  readonly timed?: TimedOperator;
  readonly expiring?: ExpiringOperator;
  /** Takes what was aggregated before the shuffle. @param from how what another version aggregated becomes this one's */
  readonly partialsFrom?: (from: PartOrigins | undefined) => Push;
  /** Sends on what was held back until the commit is made. */
  readonly flush?: () => void;
}

const stateless = (bind: (context: OperatorContext, outlets: Outlets) => Push): CompiledOperator => ({
  tables: [],
  bind: (context, outlets) => ({ push: bind(context, outlets) }),
});

/** What passes its values on to whatever follows. */
const passing = stateless((_context, { rows }) => rows);

/** Makes a node runnable. */
export function operatorOf(pipeline: Pipeline, node: Node): CompiledOperator {
  switch (node.kind) {
    case "source":
    case "union":
    case "side":
    case "keyBy":
      return passing;
    case "filter":
      return stateless((context, { rows }) => filterOperator(node.name, node.predicate, context, rows));
    case "map":
      return stateless((context, { rows }) => mapOperator(node.name, node.change, context, rows));
    case "flatMap":
      return stateless((context, { rows }) => flatMapOperator(node.name, node.expand, context, rows));
    case "split":
      return stateless((context, { side }) =>
        splitOperator(node.name, node.branches, context, (branch) => side(branch) ?? fanOut([])),
      );
    case "enrich":
      return stateless((context, { rows }) => enrichOperator(node.spec, context, rows));
    case "sink":
      return stateless((context) => sinkOperator(node.sink, context));
    case "metric":
      return stateless((context) => metricOperator(node.spec, context));
    case "window":
      return windowOf(pipeline, node);
    case "deduplicate":
      return deduplicateOf(pipeline, node);
    case "broadcast":
      return broadcastOf(pipeline, node);
    case "process":
      return processOf(pipeline, node);
    case "join":
      return joinOf(pipeline, node);
  }
}
