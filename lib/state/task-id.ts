import { definitionError } from "../errors.ts";

/** One stage on one partition: the unit of order, state and parallelism. */
export interface TaskId {
  readonly pipeline: string;
  /** Raised by a replay or a restore, whose tasks begin anew. */
  readonly generation: number;
  readonly stage: string;
  readonly source: string;
  /** Which of the streams that ever had this name: a re-created one counts its positions from the start. */
  readonly incarnation: number;
  readonly partition: string;
}

/**
 * The task's one name: changelog key, prefix of output ids, log field.
 *
 * @example
 * taskName(task) === "flight-delays:0:departures:departures.0:shardId-000000000000";
 */
export const taskName = (id: TaskId): string =>
  `${id.pipeline}:${id.generation}:${id.stage}:${id.source}.${id.incarnation}:${id.partition}`;

const NAME = /^([^:]+):(\d+):([^:]+):([^:]+)\.(\d+):([^:]+)$/;

/** The task that {@link taskName} named. @throws definition error `task/name` */
export function parseTaskName(name: string): TaskId {
  const [, pipeline, generation, stage, source, incarnation, partition] = NAME.exec(name) ?? [];
  if (partition === undefined) {
    throw definitionError({ code: "task/name", message: `"${name}" is not the name of a task.` });
  }
  return {
    pipeline: pipeline!,
    generation: Number(generation),
    stage: stage!,
    source: source!,
    incarnation: Number(incarnation),
    partition,
  };
}

/** The id of the n-th output of a commit, the same at every attempt (X4, X8). */
export const outputId = (task: string, epoch: number, n: number): string => outputIds(task, epoch)(n);

/** Makes the {@link outputId}s of one commit, whose common part is put together once. */
export function outputIds(task: string, epoch: number): (n: number) => string {
  const common = `${task}@${epoch}#`;
  return (n) => common + String(n);
}

/** The index alone of an id that is known to be one: `outputId` made it. */
export const outputIndex = (id: string): number => Number(id.slice(id.lastIndexOf("#") + 1));

/** What {@link outputId} made an id of. @throws definition error `task/name` */
export function parseOutputId(id: string): { readonly task: string; readonly epoch: number; readonly index: number } {
  const [task, rest] = [id.slice(0, id.lastIndexOf("@")), id.slice(id.lastIndexOf("@") + 1)];
  const [epoch, index] = rest.split("#").map(Number);
  if (Number.isSafeInteger(epoch) && Number.isSafeInteger(index)) return { task, epoch: epoch!, index: index! };
  throw definitionError({ code: "task/name", message: `"${id}" is not the id of an output.` });
}
