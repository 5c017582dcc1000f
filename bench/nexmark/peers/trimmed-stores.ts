import type { MemoryObjects } from "millrace/testing";
import { MemoryChangelog } from "millrace/testing";
import type { CheckpointPointer } from "../../../lib/state/changelog.ts";
import { isSpilled, type StoredCommit } from "../../../lib/state/commit.ts";

/** What is there of a task. */
interface Log {
  /** The oldest first. */
  readonly commits: { readonly epoch: number; readonly spill: string | undefined }[];
  readonly checkpoints: CheckpointPointer[];
}

/**
 * A changelog in memory that forgets what may be deleted (X11): what comes before the last checkpoint but one, or before the
 * newest whole commit, and is not the head. DynamoDB and S3 keep it for a month, in memory that is no process's; what is
 * compared deletes its checkpoints, too.
 */
export class TrimmedChangelog extends MemoryChangelog {
  readonly #objects: MemoryObjects;
  readonly #logs = new Map<string, Log>();

  /** @param objects where commits are spilled to and checkpoints are */
  constructor(objects: MemoryObjects) {
    super();
    this.#objects = objects;
  }

  override async append(task: string, commit: StoredCommit): Promise<boolean> {
    const won = await super.append(task, commit);
    if (!won) return false;
    const { commits, checkpoints } = this.#logOf(task);
    commits.push({ epoch: commit.epoch, spill: isSpilled(commit.body) ? commit.body.key : undefined });
    const covered = checkpoints.length < 2 ? 0 : checkpoints[0]!.epoch;
    const first = Math.max(covered + 1, commit.base?.epoch ?? 0);
    // X5: all before the head are delivered.
    while (commits.length > 1 && commits[0]!.epoch < first) {
      const { epoch, spill } = commits.shift()!;
      this.forget(task, epoch);
      if (spill !== undefined) await this.#objects.delete([spill]);
    }
    return true;
  }

  override async raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void> {
    await super.raiseCheckpoint(task, pointer);
    const { checkpoints } = this.#logOf(task);
    checkpoints.push(pointer);
    if (checkpoints.length > 2) await this.#objects.delete([checkpoints.shift()!.key]);
  }

  #logOf(task: string): Log {
    let log = this.#logs.get(task);
    if (log === undefined) this.#logs.set(task, (log = { commits: [], checkpoints: [] }));
    return log;
  }
}
