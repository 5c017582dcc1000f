import {
  begun,
  ended,
  NEW_TASK_ITEM,
  type Changelog,
  type CheckpointPointer,
  type NewestCommits,
  type SinkProgress,
  type TaskItem,
  type Trial,
} from "../../state/changelog.ts";
import { bodyBytes, type StoredCommit } from "../../state/commit.ts";
import type { Partition } from "../../state/partition.ts";

interface StoredTask {
  /** Ascending by epoch; epochs may be missing. */
  commits: StoredCommit[];
  item: TaskItem;
}

/** A table of commits and task items that tells who won, and that forgets when it is told to. */
export class SimulatedChangelog implements Changelog {
  readonly #tasks = new Map<string, StoredTask>();
  /** All attempts at suspect records whose beginning was ever noted. */
  readonly attempts: { readonly task: string; readonly position: string; readonly attempt: string }[] = [];
  readonly #onWin: (task: string, commit: StoredCommit) => void;

  /** @param onWin is told of every commit that is appended */
  constructor(onWin: (task: string, commit: StoredCommit) => void = () => undefined) {
    this.#onWin = onWin;
  }

  async newest(
    task: string,
    { from, limit }: { readonly from: number; readonly limit?: number },
  ): Promise<NewestCommits> {
    const { commits, item } = this.#task(task);
    const page: StoredCommit[] = [];
    let i = commits.length - 1;
    for (; i >= 0 && commits[i]!.epoch >= from && page.length < (limit ?? Number.POSITIVE_INFINITY); i--) {
      page.push(commits[i]!);
    }
    return { item, commits: page, complete: i < 0 || commits[i]!.epoch < from, bytes: bytesOf(page) };
  }

  async range(task: string, from: number, to: number) {
    const commits = this.#task(task).commits.filter(({ epoch }) => epoch >= from && epoch <= to);
    return { commits, bytes: bytesOf(commits) };
  }

  async append(task: string, commit: StoredCommit): Promise<boolean> {
    const { commits } = this.#task(task);
    const i = commits.findLastIndex(({ epoch }) => epoch <= commit.epoch);
    if (commits[i]?.epoch === commit.epoch) return commits[i].nonce === commit.nonce;
    commits.splice(i + 1, 0, commit);
    this.#onWin(task, commit);
    return true;
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

  async noteLineage(task: string, lineage: readonly Partition[]): Promise<void> {
    const stored = this.#task(task);
    stored.item = { ...stored.item, lineage: stored.item.lineage ?? lineage };
  }

  async beginTrial(task: string, seen: Trial, position: string, attempt: string): Promise<boolean> {
    const stored = this.#task(task);
    const { trial } = stored.item;
    if (trial.version !== seen.version) return trial.attempts.includes(attempt);
    this.attempts.push({ task, position, attempt });
    stored.item = { ...stored.item, trial: begun(seen, position, attempt) };
    return true;
  }

  async endTrial(task: string, attempt: string): Promise<void> {
    const stored = this.#task(task);
    stored.item = { ...stored.item, trial: ended(stored.item.trial, attempt) };
  }

  async raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void> {
    const stored = this.#task(task);
    const { checkpoint } = stored.item;
    if (pointer.epoch <= (checkpoint?.epoch ?? 0)) return;
    stored.item = { ...stored.item, checkpoint: pointer, previousCheckpoint: checkpoint };
  }

  itemOf(task: string): TaskItem {
    return this.#task(task).item;
  }

  commitsOf(task: string): readonly StoredCommit[] {
    return this.#task(task).commits;
  }

  /** Deletes commits. @returns how many that were */
  forget(mayGo: (commit: StoredCommit, task: string, head: number) => boolean): number {
    let forgotten = 0;
    for (const [task, stored] of this.#tasks) {
      const head = stored.commits.at(-1)?.epoch ?? 0;
      const kept = stored.commits.filter((commit) => !mayGo(commit, task, head));
      forgotten += stored.commits.length - kept.length;
      stored.commits = kept;
    }
    return forgotten;
  }

  #task(name: string): StoredTask {
    let task = this.#tasks.get(name);
    if (task === undefined) this.#tasks.set(name, (task = { commits: [], item: NEW_TASK_ITEM }));
    return task;
  }
}

const bytesOf = (commits: readonly StoredCommit[]): number => {
  let bytes = 0;
  for (const commit of commits) bytes += bodyBytes(commit);
  return bytes;
};
