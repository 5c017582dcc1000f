import type { Gate } from "../../lib/testing/gated.ts";
import type { MemoryStream } from "../../lib/testing/memory-stream.ts";
import type { Draws } from "../../lib/testing/simulation/draws.ts";

type Drawing = ReturnType<Draws["stream"]>;

/** Requests fail, or are carried out and their answer is lost; the process is dead from then on. */
export const dying = (draws: Drawing, rate: number): Gate => {
  let isDead = false;
  return async (_request, carryOut) => {
    if (isDead) throw new Error("dead");
    if (!draws.chance(rate)) return carryOut();
    isDead = true;
    if (draws.chance(0.5)) await carryOut();
    throw new Error("dies here");
  };
};

/** Splits a shard of a stream, or merges two. */
export function reshard(stream: MemoryStream, draws: Drawing): void {
  const open = stream.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
  const at = draws.between(0, open.length - 1);
  if (draws.chance(0.5) || at + 1 === open.length) stream.split(open[at]!);
  else stream.merge(open[at]!, open[at + 1]!);
}
