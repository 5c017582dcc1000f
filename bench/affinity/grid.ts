import { simulateAffinity, gapsWith, sharesOf, type Affinity, type Shares } from "./affinity.ts";
import { memoryFor, tasksInMemory, tasksThatFit } from "./assumptions.ts";
import { costOf, type BatchCost } from "./costs.ts";
import type { Assignment } from "./pool.ts";
import { CACHED_TASKS } from "./rules.ts";
import { runTask, type BatchCounts, type ChangedRules } from "./task-model.ts";

const KB = 1_024;

export const GRID = {
  shards: [1, 10, 100, 1_000, 10_000],
  duty: [0.01, 0.1, 0.5, 1],
  assignments: ["most-recently-used", "random"],
  stateBytes: [10 * KB, 100 * KB, 1_024 * KB, 10_240 * KB, 51_200 * KB],
  commitBytes: 3 * KB,
  records: 1_000,
  seed: 1,
} as const satisfies Record<string, number | readonly (number | Assignment)[]>;

/** Batches that are recorded of all sampled shards together. */
const RECORDED = 4_000;
const MOST_SAMPLED = 100;

export interface Invocations {
  readonly shards: number;
  readonly duty: number;
  readonly assignment: Assignment;
  /** States that a container may keep, if they fit. @default by the rule */
  readonly cachedTasks?: number;
  /** Batches of each shard before those that are recorded. @default 100 */
  readonly warmUp?: number;
  readonly churn?: number;
}

export function affinityOf({ cachedTasks = CACHED_TASKS, warmUp = 100, ...invocations }: Invocations): Affinity {
  const sampled = Math.min(invocations.shards, MOST_SAMPLED);
  const measured = Math.ceil(RECORDED / sampled);
  return simulateAffinity({ ...invocations, cachedTasks, warmUp, sampled, measured, seed: GRID.seed });
}

/** States that the library keeps in a container of so many MB. */
export const tasksKept = (memory: number, stateBytes: number): number =>
  Math.max(1, Math.min(CACHED_TASKS, tasksInMemory(memory, stateBytes)));

/** One configuration, and what it comes to. */
export interface Row extends Invocations {
  readonly stateBytes: number;
  readonly commitBytes: number;
  /** Of the function, MB. */
  readonly memory: number;
  /** States that a container keeps: by the rule, or as many as its memory holds. */
  readonly kept: number;
  readonly shares: Shares;
  readonly counts: BatchCounts;
  readonly cost: BatchCost;
}

export interface RowSettings {
  readonly stateBytes: number;
  readonly commitBytes?: number;
  readonly changed?: ChangedRules;
}

/** @param affinity of the invocations, which does not depend on sizes */
export async function rowOf(
  invocations: Invocations,
  affinity: Affinity,
  { stateBytes, commitBytes = GRID.commitBytes, changed = {} }: RowSettings,
): Promise<Row> {
  const memory = memoryFor(stateBytes);
  const { cachedTasks } = invocations;
  const fit = tasksThatFit(memory, stateBytes);
  const kept = Math.min(fit, cachedTasks ?? tasksKept(memory, stateBytes));
  const gaps = gapsWith(affinity, kept);
  const counts = await runTask({ stateBytes, commitBytes, changed }, gaps);
  const cost = costOf(counts, { stateBytes, memory, records: GRID.records });
  return { ...invocations, stateBytes, commitBytes, memory, kept, shares: sharesOf(gaps), counts, cost };
}
