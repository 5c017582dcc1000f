import { taskName, type TaskId } from "../state/task-id.ts";
import type { LoadedTask } from "./loaded-task.ts";
import type { Observer } from "./observer.ts";
import type { SourcePartitions } from "./source-partitions.ts";

export interface SourceWatchSettings {
  readonly id: TaskId;
  readonly partitions: SourcePartitions;
  readonly observer: Observer;
}

/**
 * Partitions that were added since readers were told of any: they wait for the tasks of these from the task's next commit
 * on, and each gets a first tick, which has it speak before its first record comes.
 */
export async function lookForAdded(task: LoadedTask, { partitions }: SourceWatchSettings): Promise<void> {
  if (task.state.sealed !== undefined) return;
  const listed = await partitions.added?.();
  if (listed === undefined) return;
  task.partitions = listed.length;
  if (task.epoch > 0) task.added = listed.slice(task.state.told?.partitions ?? 0).map(({ id }) => id);
}

/**
 * X6: what was lost after the position, of a source whose mapping tells nobody. It is told before the commit, and so again
 * where that is not made.
 *
 * @param before the sequence of the next record, where there is one
 */
export async function lookForLoss(
  { state }: LoadedTask,
  { id, partitions, observer }: SourceWatchSettings,
  before?: string,
): Promise<void> {
  const loss = await partitions.lostAfter?.(id.partition, state.position.sequence, before);
  if (loss !== undefined) observer.lost?.(taskName(id), loss);
}
