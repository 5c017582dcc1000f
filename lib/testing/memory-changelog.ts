import type { Changelog, CheckpointPointer, NewestCommits, TaskItem } from "../state/changelog.ts";
import { NEW_TASK_ITEM } from "../state/changelog.ts";
import { bodyBytes, type StoredCommit } from "../state/commit.ts";

interface StoredTask {
  readonly commits: Map<number, StoredCommit>;
  item: TaskItem;
}

/** A changelog in memory: for tests and benchmarks. */
export class MemoryChangelog implements Changelog {
  readonly #tasks = new Map<string, StoredTask>();

  async newest(
    task: string,
    { from, limit }: { readonly from: number; readonly limit?: number },
  ): Promise<NewestCommits> {
    const { commits, item } = this.#task(task);
    const descending = [...commits.values()].filter(({ epoch }) => epoch >= from).sort((a, b) => b.epoch - a.epoch);
    const page = descending.slice(0, limit);
    return { item, commits: page, complete: page.length === descending.length, bytes: bytesOf(page) };
  }

  async range(task: string, from: number, to: number) {
    const commits = [...this.#task(task).commits.values()]
      .filter(({ epoch }) => epoch >= from && epoch <= to)
      .sort((a, b) => a.epoch - b.epoch);
    return { commits, bytes: bytesOf(commits) };
  }

  async append(task: string, commit: StoredCommit): Promise<boolean> {
    const { commits } = this.#task(task);
    const there = commits.get(commit.epoch);
    if (there === undefined) commits.set(commit.epoch, commit);
    return there === undefined || there.nonce === commit.nonce;
  }

  async raiseDelivered(task: string, epoch: number, sinks?: readonly string[]): Promise<void> {
    const stored = this.#task(task);
    const { delivered, deliveredTo } = stored.item;
    if (sinks === undefined) {
      stored.item = { ...stored.item, delivered: Math.max(delivered, epoch) };
      return;
    }
    const raised = sinks.map((sink) => [sink, Math.max(deliveredTo[sink] ?? 0, epoch)] as const);
    stored.item = { ...stored.item, deliveredTo: { ...deliveredTo, ...Object.fromEntries(raised) } };
  }

  async raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void> {
    const stored = this.#task(task);
    if (pointer.epoch <= (stored.item.checkpoint?.epoch ?? 0)) return;
    stored.item = { ...stored.item, checkpoint: pointer, previousCheckpoint: stored.item.checkpoint };
  }

  /** Forgets a commit, as an expiry would. */
  forget(task: string, epoch: number): void {
    this.#task(task).commits.delete(epoch);
  }

  #task(name: string): StoredTask {
    let task = this.#tasks.get(name);
    if (task === undefined) this.#tasks.set(name, (task = { commits: new Map(), item: NEW_TASK_ITEM }));
    return task;
  }
}

const bytesOf = (commits: readonly StoredCommit[]): number =>
  commits.reduce((sum, commit) => sum + bodyBytes(commit), 0);
