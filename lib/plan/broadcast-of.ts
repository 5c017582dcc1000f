import { BroadcastReplica, broadcastTable } from "../operators/broadcast/broadcast-replica.ts";
import { sendBroadcast } from "../operators/broadcast/send-broadcast.ts";
import { rootsOfAll } from "../pipeline/roots.ts";
import type { NodeOf, Pipeline } from "../pipeline/topology.ts";
import { leastTold } from "../state/producers.ts";
import { parseTaskName } from "../state/task-id.ts";
import type { CompiledOperator } from "./operator-of.ts";
import { shuffleTable } from "./shuffle-of.ts";
import type { Stage } from "./stage.ts";
import { delayBefore } from "./window-of.ts";

/** Makes a broadcast stream runnable where it is read. */
export function broadcastOf(pipeline: Pipeline, { spec, input }: NodeOf<"broadcast">): CompiledOperator {
  const producers = [...rootsOfAll(pipeline.nodes)[input]!].map((root) => pipeline.nodes[root]!.name);
  return {
    tables: [broadcastTable(spec)],
    bind: (context) => {
      const replica = new BroadcastReplica(spec, context, (state) => leastTold(state, producers, parseTaskName));
      return { push: replica.push, expiring: replica };
    },
  };
}

/** Makes a broadcast stream runnable where it comes from. */
export function broadcastFrom(pipeline: Pipeline, { shuffles }: Stage, node: NodeOf<"broadcast">): CompiledOperator {
  const readers = shuffles.filter(({ broadcasts }) => broadcasts.includes(node)).map(({ stage }) => stage);
  return {
    tables: [shuffleTable(node.name, node.name)],
    bind: (context) => ({ push: sendBroadcast(node.spec, readers, delayBefore(pipeline, node), context) }),
  };
}
