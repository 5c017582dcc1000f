import { packed } from "./codec.ts";
import { keysOf, wrongWithCounts, type RunIndex } from "./run-index.ts";

/**
 * An index as the first runs had it, an object of lists in the checkpoint's head.
 *
 * @param length of all blocks
 * @throws Error for what is no index of blocks that are so long
 */
export function oldIndex(written: unknown, length: number): RunIndex {
  if (typeof written !== "object" || written === null) throw new Error("it is none");
  const { spaces, counts, entries, firstKeys, bytes, inflated } = written as Record<string, unknown>;
  if (!areNumbers(spaces) || !areTexts(firstKeys)) throw new Error("its spaces or keys are none");
  if (!areCounts(counts) || !areCounts(entries) || !areCounts(bytes) || !areCounts(inflated))
    throw new Error("its counts are none");
  const blocks = entries.length;
  if (counts.length !== spaces.length) throw new Error("its spaces are not all there");
  if (firstKeys.length !== blocks || bytes.length !== blocks || inflated.length !== blocks)
    throw new Error("its blocks are not all there");
  const columns = { spaces, counts, entries, bytes, inflated };
  const wrong = wrongWithCounts(columns, length);
  if (wrong !== undefined) throw new Error(wrong);
  return { ...columns, ...keysOf(firstKeys.map((key) => packed(key))) };
}

const areNumbers = (of: unknown): of is number[] => Array.isArray(of) && of.every((one) => typeof one === "number");
const areCounts = (of: unknown): of is number[] => Array.isArray(of) && of.every((one) => Number.isSafeInteger(one));
const areTexts = (of: unknown): of is string[] => Array.isArray(of) && of.every((one) => typeof one === "string");
