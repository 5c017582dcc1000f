import { infrastructureError } from "../errors.ts";

/** The error of a task that must wait for the one it takes over from. */
export const PARENT_NOT_DONE = "reshard/parent-not-done";

export const notAtTip = (name: string) =>
  infrastructureError({
    code: "task/not-at-tip",
    message: `Task ${name} cannot be drained yet: its source holds records that it has not folded.`,
    advice: "Drain comes again by itself until they are.",
  });

export const parentNotDone = (name: string) =>
  infrastructureError({
    code: PARENT_NOT_DONE,
    message: `Task ${name} cannot hand over yet: its partition was split or merged, and holds records that it has not folded.`,
    advice: "Its own mapping folds them; what takes over from it waits by itself.",
  });

export const notListed = (name: string) =>
  infrastructureError({
    code: "source/partition-not-listed",
    message: `Task ${name} has no commits, and the source does not list its partition.`,
    advice: "If the stream was deleted, remove its mapping.",
  });

export const notDrained = (task: string) =>
  infrastructureError({
    code: "task/not-drained",
    message: `Task ${task} reads what other stages send, and these have not ended.`,
    advice: "Drain the tasks of the sources: what they send on ends this one.",
  });
