import type { ProgramShuffle } from "../../operators/program.ts";
import type { Partition } from "../../state/partition.ts";
import { taskName, type TaskId } from "../../state/task-id.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../time/instant.ts";
import type { LoadedTask } from "../loaded-task.ts";
import { firstTickOutput } from "../tick.ts";
import { newsText } from "./pack.ts";

/** Partitions that come from no other that is known: they were there at the beginning. */
export const rootsOf = (known: readonly Partition[]): readonly string[] =>
  known
    .filter(({ parents }) => !known.some(({ id }) => parents.includes(id)))
    .map(({ id }) => id)
    .filter((id, i, ids) => ids.indexOf(id) === i);

/** Partitions that no other that is listed has replaced: their tasks are there, or will be. */
export const leavesOf = (listed: readonly Partition[]): readonly string[] =>
  listed.filter(({ id }) => !listed.some(({ parents }) => parents.includes(id))).map(({ id }) => id);

/**
 * Adds to the commit being made what those that read from the stage must know of the task, if there is anything new:
 * how far it is, whether it is idle, who was there with it at the beginning, who takes over from it.
 *
 * A task's first commit names the others that were there, and gives each a first tick: one may never get a record, and
 * readers wait until it says so. So does its first commit of a version that has readers which the one before had not. A later
 * commit names those that were added since.
 *
 * @param now epoch milliseconds
 */
export function tellReaders(task: LoadedTask, id: TaskId, shuffles: readonly ProgramShuffle[], now: number): void {
  if (shuffles.length === 0) return;
  const { state, fold } = task;
  const isFirst = task.epoch === 0 && !task.isHeir;
  const nameOf = (partition: string) => taskName({ ...id, partition });
  const announced = isFirst || task.hasNewReaders ? task.roots : task.added;
  const roots = isFirst || task.hasNewReaders || announced.length > 0 ? announced.map(nameOf) : undefined;
  const heirs = state.sealed?.map(({ partition }) => nameOf(partition));
  const { partitions } = task;
  const told = { watermark: state.watermark, isIdle: isIdle(task), ...(partitions !== undefined && { partitions }) };
  // Elements make a reader wait again for one that was idle, until it says that it is.
  const isAwaited = told.isIdle && shuffles.some(({ stage }) => fold.sendsTo(stage));
  const isNews = isAwaited || told.watermark !== state.told?.watermark || told.isIdle !== state.told.isIdle;
  if (!isNews && roots === undefined && heirs === undefined) return;
  state.told = told;
  for (const { stage, delay } of shuffles) {
    const watermark = behind(told.watermark, delay);
    const news = { watermark, isIdle: told.isIdle, ...(roots && { roots }), ...(heirs && { heirs }) };
    fold.send({ sink: stage, body: newsText(news) });
  }
  const own = nameOf(id.partition);
  for (const root of roots ?? []) if (root !== own) fold.send(firstTickOutput(root, now));
}

/**
 * Whether a task has nothing to say until something new arrives: those it reads from have nothing, and no window of its
 * own is open that silence may close (what only the end of time closes is none).
 */
function isIdle({ state, fold, isSilent }: LoadedTask): boolean {
  if (fold.nextDue() < END_OF_TIME) return false;
  return isSilent ?? state.told?.isIdle ?? false;
}

/** Values come after their event time by the allowed lateness of the windows before. */
const behind = (watermark: number, delay: number): number =>
  watermark === BEFORE_ALL_TIME || watermark === END_OF_TIME ? watermark : watermark - delay;
