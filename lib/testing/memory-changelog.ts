import type { Changelog, CheckpointPointer, NewestCommits, SinkProgress, TaskItem, Trial } from "../state/changelog.ts";
import { begun, ended, NEW_TASK_ITEM } from "../state/changelog.ts";
import { bodyBytes, type StoredCommit } from "../state/commit.ts";
import type { Partition } from "../state/partition.ts";

interface StoredTask {
  readonly commits: Map<number, StoredCommit>;
  /** The highest epoch that was ever there. */
  last: number;
  item: TaskItem;
}

/** A changelog in memory: for tests and benchmarks. */
export class MemoryChangelog implements Changelog {
  readonly #tasks = new Map<string, StoredTask>();

  async newest(
    task: string,
    { from, limit }: { readonly from: number; readonly limit?: number },
  ): Promise<NewestCommits> {
    const { item } = this.#task(task);
    const descending = this.#descending(task, from);
    const page = descending.slice(0, limit);
    return { item, commits: page, complete: page.length === descending.length, bytes: bytesOf(page) };
  }

  async range(task: string, from: number, to: number) {
    const commits = this.#descending(task, from, to).reverse();
    return { commits, bytes: bytesOf(commits) };
  }

  async append(task: string, commit: StoredCommit): Promise<boolean> {
    const stored = this.#task(task);
    const there = stored.commits.get(commit.epoch);
    if (there === undefined) stored.commits.set(commit.epoch, commit);
    stored.last = Math.max(stored.last, commit.epoch);
    return there === undefined || there.nonce === commit.nonce;
  }

  async raiseDelivered(task: string, epoch: number): Promise<void> {
    const stored = this.#task(task);
    stored.item = { ...stored.item, delivered: Math.max(stored.item.delivered, epoch) };
  }

  async raiseProgress(task: string, sink: string, progress: SinkProgress): Promise<void> {
    const stored = this.#task(task);
    const { deliveredTo } = stored.item;
    const { epoch, count } = deliveredTo[sink] ?? { epoch: 0, count: 0 };
    if (progress.epoch < epoch || (progress.epoch === epoch && progress.count <= count)) return;
    stored.item = { ...stored.item, deliveredTo: { ...deliveredTo, [sink]: progress } };
  }

  async beginTrial(task: string, seen: Trial, position: string, attempt: string): Promise<boolean> {
    const stored = this.#task(task);
    const { trial } = stored.item;
    if (trial.version !== seen.version) return trial.attempts.includes(attempt);
    stored.item = { ...stored.item, trial: begun(seen, position, attempt) };
    return true;
  }

  async endTrial(task: string, attempt: string): Promise<void> {
    const stored = this.#task(task);
    stored.item = { ...stored.item, trial: ended(stored.item.trial, attempt) };
  }

  async noteLineage(task: string, lineage: readonly Partition[]): Promise<void> {
    const stored = this.#task(task);
    stored.item = { ...stored.item, lineage: stored.item.lineage ?? lineage };
  }

  async raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void> {
    const stored = this.#task(task);
    if (pointer.epoch <= (stored.item.checkpoint?.epoch ?? 0)) return;
    stored.item = { ...stored.item, checkpoint: pointer, previousCheckpoint: stored.item.checkpoint };
  }

  /** Forgets a commit, as an expiry would; without an epoch all of a task, as a table that is made anew. */
  forget(task: string, epoch?: number): void {
    if (epoch === undefined) this.#tasks.delete(task);
    else this.#task(task).commits.delete(epoch);
  }

  /** Forgets what may be deleted at a time (epoch milliseconds), as a store with a time to live does. */
  expire(time: number): void {
    for (const { commits } of this.#tasks.values()) {
      for (const { epoch, expires } of commits.values()) if (expires <= time) commits.delete(epoch);
    }
  }

  /** Only those are looked at that are asked for: a log grows, and a turn reads its end. */
  #descending(task: string, from: number, to = Number.POSITIVE_INFINITY): StoredCommit[] {
    const { commits, last } = this.#task(task);
    const found: StoredCommit[] = [];
    for (let epoch = Math.min(to, last); epoch >= Math.max(from, 1); epoch--) {
      const commit = commits.get(epoch);
      if (commit !== undefined) found.push(commit);
    }
    return found;
  }

  #task(name: string): StoredTask {
    let task = this.#tasks.get(name);
    if (task === undefined) this.#tasks.set(name, (task = { commits: new Map(), last: 0, item: NEW_TASK_ITEM }));
    return task;
  }
}

const bytesOf = (commits: readonly StoredCommit[]): number =>
  commits.reduce((sum, commit) => sum + bodyBytes(commit), 0);
