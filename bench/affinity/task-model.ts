import type { WriterLimits } from "../../lib/runtime/commit-writer.ts";
import { COLD } from "./affinity.ts";
import { readUnits, writeUnits } from "./billing.ts";
import { RuledTask, type RuleSettings, type TurnReads } from "./rules.ts";

export interface TaskSettings extends RuleSettings {
  /** Rules as they might be. @default as they are */
  readonly changed?: ChangedRules;
  /** The share of the batches that only brings the log to its usual length. @default 0.25 */
  readonly warmUp?: number;
}

/** Changes of the library's rules, to see what they would do. */
export interface ChangedRules {
  readonly limits?: WriterLimits;
  readonly stateShare?: number;
  /** A container reads at most this many commits to find the one it knows; else it loads. */
  readonly readAtMost?: number;
}

/** Means per batch. */
export interface BatchCounts {
  readonly queries: number;
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly checkpointGets: number;
  readonly spillGets: number;
  readonly spillPuts: number;
  readonly checkpointPuts: number;
  /** Commits read beyond the one known, and their bytes. */
  readonly commits: number;
  readonly catchUpBytes: number;
  /** Bytes of checkpoint objects read and written. */
  readonly loadedBytes: number;
  readonly checkpointBytes: number;
  /** Units of one commit's put, and of a query that finds the head known. */
  readonly commitUnits: number;
  readonly headUnits: number;
}

/** Runs a task through what containers know of it when they get its batches. */
export async function runTask(settings: TaskSettings, gaps: Int32Array): Promise<BatchCounts> {
  const { stateBytes, changed = {}, warmUp: share = 0.25 } = settings;
  const task = await RuledTask.of({ ...settings, ...changed });
  const warmUp = Math.floor(gaps.length * share);
  let [queries, units, checkpointGets, spillGets, commits, catchUpBytes, checkpointPuts] = [0, 0, 0, 0, 0, 0, 0];
  for (let batch = 0; batch < gaps.length; batch++) {
    const reads = await readOf(task, gaps[batch]!, changed);
    task.append(reads.caughtUp);
    const isCheckpointed = await task.checkpointIfDue();
    if (batch < warmUp) continue;
    // Pointing to a checkpoint reads the task item once more.
    queries += reads.queries + Number(isCheckpointed);
    units += reads.readUnits + Number(isCheckpointed);
    checkpointGets += reads.checkpointGets;
    spillGets += reads.spillGets;
    commits += reads.commits;
    catchUpBytes += reads.commitBytes;
    checkpointPuts += Number(isCheckpointed);
  }
  const n = gaps.length - warmUp;
  const commitUnits = writeUnits(task.itemSizes.commit);
  const itemUnits = writeUnits(task.itemSizes.item);
  return {
    queries: queries / n,
    readUnits: units / n,
    writeUnits: commitUnits + itemUnits * (1 + checkpointPuts / n),
    checkpointGets: checkpointGets / n,
    spillGets: spillGets / n,
    spillPuts: Number(task.isSpilled),
    checkpointPuts: checkpointPuts / n,
    commits: commits / n,
    catchUpBytes: catchUpBytes / n,
    loadedBytes: (checkpointGets / n) * stateBytes,
    checkpointBytes: (checkpointPuts / n) * stateBytes,
    commitUnits,
    headUnits: readUnits(task.itemSizes.commit + task.itemSizes.item),
  };
}

async function readOf(task: RuledTask, gap: number, { readAtMost }: ChangedRules): Promise<TurnReads> {
  const isTooFar = readAtMost !== undefined && gap >= readAtMost;
  const reads = await task.read(isTooFar ? COLD : gap);
  // The first query brought more than the head, in vain.
  const vain = isTooFar ? readUnits(task.itemSizes.item + readAtMost * task.itemSizes.commit) - 1 : 0;
  return { ...reads, readUnits: reads.readUnits + vain };
}
