import type { InternalRecord, InternalStream } from "../../../lib/runtime/shuffle/internal-stream.ts";
import type { Gate } from "../../../lib/testing/gated.ts";
import { Unavailable } from "./environment.ts";
import type { FaultPlan } from "./faults.ts";
import type { ShardedStream } from "./stream.ts";

/**
 * A stream between stages as its writers see it. With faults it takes records in any order, some of them twice, and now
 * and then not all: as PutRecords does, and what tries it again.
 */
export function internalStream(
  stream: ShardedStream,
  now: () => number,
  gate: Gate,
  faults?: FaultPlan,
): InternalStream {
  const about = (operation: string) => ({ service: "sink", operation, subject: stream.name }) as const;
  const take = ({ partitionKey, text, hash }: InternalRecord) => stream.put(partitionKey, text, now(), hash);
  return {
    put: (records) =>
      gate(about("put"), async () => {
        const takers: string[] = [];
        for (const [i, record] of faults?.shuffled([...records.entries()]) ?? records.entries()) {
          if (faults?.interrupts() === true) throw new Unavailable("Some records were not taken.");
          takers[i] = take(record);
          if (faults?.repeats() === true) take(record);
        }
        return takers;
      }),
    open: () => gate(about("open"), async () => (await stream.list()).filter((_, i) => stream.shards[i]!.isOpen)),
  };
}
