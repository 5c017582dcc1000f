import type { Base, StoredCommit } from "./commit.ts";
import type { Partition } from "./partition.ts";

/** A checkpoint's place, and what the changelog's totals were at its epoch. */
export interface CheckpointPointer extends Base {
  readonly key: string;
  readonly bytes: number;
  /** The writer's format, codec and checksum of the object. */
  readonly version: number;
  readonly codec: string;
  readonly checksum: string;
  readonly build: string;
}

/** How far a commit's outputs are with one sink, in their order. */
export interface SinkProgress {
  readonly epoch: number;
  /** So many of the sink's outputs, from the first on; infinity when that is all of them. */
  readonly count: number;
}

/** The attempts at folding one record that may kill the process (X7). */
export interface Trial {
  /** So many beginnings and ends were noted. A beginning that comes later than another note does not count. */
  readonly version: number;
  /** Of the record, as {@link positionText} writes it; empty before the first attempt at any. */
  readonly position: string;
  /** Attempts that began and did not end, each a text of its own. */
  readonly attempts: readonly string[];
}

/** What a trial becomes by the beginning of an attempt: attempts at another record are forgotten. */
export const begun = ({ version, position: before, attempts }: Trial, position: string, attempt: string): Trial => ({
  version: version + 1,
  position,
  attempts: [...(before === position ? attempts : []), attempt],
});

/** What a trial becomes by the end of an attempt, whatever it was. */
export const ended = ({ version, position, attempts }: Trial, attempt: string): Trial => ({
  version: version + 1,
  position,
  attempts: attempts.filter((other) => other !== attempt),
});

/** The one mutable item of a task. Every number in it only rises. */
export interface TaskItem {
  /** The highest epoch known to be delivered to every sink. */
  readonly delivered: number;
  /** The same per sink, and within a commit, where delivery was interrupted. */
  readonly deliveredTo: Readonly<Record<string, SinkProgress>>;
  readonly trial: Trial;
  /** Of a partition whose parents could not be sealed yet: it and its siblings, as they were listed then. */
  readonly lineage: readonly Partition[] | undefined;
  readonly checkpoint: CheckpointPointer | undefined;
  /** The checkpoint before: its object is kept. */
  readonly previousCheckpoint: CheckpointPointer | undefined;
}

export const NEW_TASK_ITEM: TaskItem = {
  delivered: 0,
  deliveredTo: {},
  trial: { version: 0, position: "", attempts: [] },
  lineage: undefined,
  checkpoint: undefined,
  previousCheckpoint: undefined,
};

export interface NewestCommits {
  readonly item: TaskItem;
  /** Newest first. */
  readonly commits: readonly StoredCommit[];
  /** Whether nothing lies between the last of them and `from`. */
  readonly complete: boolean;
  /** Bytes read, as they are billed. */
  readonly bytes: number;
}

/**
 * A task's contiguous list of commits, the only truth about its state, and its task item. Every read is
 * consistent: it sees all that was acknowledged before it began.
 *
 * Implementations pass `test/contracts/changelog.ts`. Every method raises infrastructure errors for what
 * the service cannot do now.
 */
export interface Changelog {
  /** The task item and the newest commits, in one request: down to and including `from`, at most `limit`. */
  newest(task: string, options: { readonly from: number; readonly limit?: number }): Promise<NewestCommits>;

  /** Commits `from` to `to`, both included, oldest first; those that are gone are left out. */
  range(
    task: string,
    from: number,
    to: number,
  ): Promise<{ readonly commits: readonly StoredCommit[]; readonly bytes: number }>;

  /** Appends a commit if its epoch is free: false when another's commit has it (X1). An own one, put before, counts as done. */
  append(task: string, commit: StoredCommit): Promise<boolean>;

  /** Raises what is known to be delivered to every sink. Never lowers it (X5). */
  raiseDelivered(task: string, epoch: number): Promise<void>;

  /** Raises what is known to be delivered to one sink: by epoch, and within an epoch by count. Never lowers it (X5). */
  raiseProgress(task: string, sink: string, progress: SinkProgress): Promise<void>;

  /**
   * Notes that an attempt at a record begins, if nothing was noted since `seen` was read: false otherwise (X7). So a
   * note that arrives after that of its own end does not count. One's own note, made before, counts as done.
   */
  beginTrial(task: string, seen: Trial, position: string, attempt: string): Promise<boolean>;

  /** Notes that an attempt has come to its end, whatever it was, and whether or not its beginning has arrived. */
  endTrial(task: string, attempt: string): Promise<void>;

  /** Notes where a task comes from, once: the source may have forgotten it by the time its parents can be sealed. */
  noteLineage(task: string, lineage: readonly Partition[]): Promise<void>;

  /** Points to a checkpoint, if it is of a higher epoch than the one pointed to (X11). */
  raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void>;
}
