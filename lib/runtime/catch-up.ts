import type { MillraceError } from "../errors.ts";
import type { Changelog, NewestCommits, TaskItem } from "../state/changelog.ts";
import { isSpilled, outputsIn, type Output, type StoredCommit } from "../state/commit.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { Damages } from "./damages.ts";
import { bodyOf, follow, Loading, targetOf } from "./loading.ts";
import type { LoadedTask } from "./loaded-task.ts";
import type { Observer } from "./observer.ts";

/** Reading this many bytes of commits costs about as much as reading a checkpoint object. */
const CHECKPOINT_READ_BYTES = 16 * 1_024;

export interface CaughtUp {
  readonly task: LoadedTask;
  readonly item: TaskItem;
  /** Bytes read beyond the head. */
  readonly bytes: number;
}

/**
 * Brings a task's state in memory to its changelog's head, or loads it anew.
 *
 * What it returns is the state at the *target*: the highest epoch that the task is known to have had. The head alone does
 * not tell it: commits that a checkpoint covers expire (X11), and a store may delete the newer of two first. A state
 * below the target would be appended to at an epoch that had a commit before, and what that one held would be lost: so
 * there is never less than the target, only an error.
 */
export class CatchUp {
  readonly #changelog: Changelog;
  readonly #objects: ObjectStore;
  readonly #observer: Observer;

  constructor(changelog: Changelog, objects: ObjectStore, observer: Observer) {
    this.#changelog = changelog;
    this.#objects = objects;
    this.#observer = observer;
  }

  /**
   * @param cached what this process knew last, brought forward when that is cheaper than `fresh`. Of no use any more
   *   when this throws, or returns another task
   * @throws systemic errors `state/corrupt`, `state/codec`, `state/version`, `state/gone`, which name every object that
   *   is in the way; `state/shape`, `state/accumulator`
   */
  async run(name: string, cached: LoadedTask | undefined, fresh: () => LoadedTask): Promise<CaughtUp> {
    const damages = new Damages(name);
    // A cold start needs the head and the item first: where to read from stands in them. So does a task whose commits
    // are whole: the next one is likely to be, and then there is nothing between.
    const isHeadEnough = cached === undefined || cached.base?.epoch === cached.epoch;
    let newest = await this.#changelog.newest(name, isHeadEnough ? HEAD_ONLY : { from: cached.epoch });
    if (cached !== undefined) {
      if (isAtTarget(cached, newest)) return this.#known(name, cached, newest);
      const missing = missingCommits(newest, cached);
      if (missing !== undefined && !cheaperFromCheckpoint(missing, newest.item, cached)) {
        const bytes = await this.#follow(name, cached, missing, damages);
        if (bytes !== undefined) return { task: cached, item: newest.item, bytes };
      }
    }
    const loading = new Loading(name, this.#changelog, this.#objects, damages, fresh);
    for (;;) {
      const loaded = await loading.attempt(newest, targetOf(newest, cached));
      if (loaded !== undefined) {
        if (damages.some) this.#passBy(name, loaded.task, damages.error());
        return { ...loaded, item: newest.item };
      }
      // X11: what is missing may have been superseded since; then the pointer has moved on.
      newest = await this.#changelog.newest(name, HEAD_ONLY);
    }
  }

  /** @returns the bytes read; nothing when a commit is damaged: then the task is half brought forward, and of no use */
  async #follow(
    name: string,
    task: LoadedTask,
    commits: readonly StoredCommit[],
    damages: Damages,
  ): Promise<number | undefined> {
    let bytes = 0;
    for (const stored of commits) {
      const read = await damages.ofCommit(stored.epoch, () => follow(this.#objects, task, stored, name));
      if (read === undefined) return undefined;
      bytes += read;
    }
    return bytes;
  }

  /** The nonce says that the head is the commit this process knows; what can be read of it else is no matter. */
  #known(name: string, task: LoadedTask, { item, commits: [head] }: NewestCommits): CaughtUp {
    if (head?.damage !== undefined && !task.mustCheckpoint) this.#passBy(name, task, head.damage);
    return { task, item, bytes: 0 };
  }

  /** It is seen, and the next turn that commits writes a checkpoint, so that it heals. */
  #passBy(name: string, task: LoadedTask, error: MillraceError): void {
    task.mustCheckpoint = true;
    this.#observer.notice(name, `Something damaged was passed by: ${error.message}`, error);
  }

  /** The head's outputs, for a delivery of which this process knows nothing yet. */
  async outputsOf(task: LoadedTask, name: string): Promise<readonly Output[]> {
    if (task.headOutputs !== undefined || task.epoch === 0) return task.headOutputs ?? [];
    let head = task.head;
    if (head?.epoch !== task.epoch) [head] = (await this.#changelog.range(name, task.epoch, task.epoch)).commits;
    if (head === undefined) return []; // X11: only commits whose outputs were delivered may go
    return outputsIn(head, await bodyOf(this.#objects, head, name), name);
  }
}

const HEAD_ONLY = { from: 0, limit: 1 } as const;

/** Whether what this process knows is the target's state. */
function isAtTarget(cached: LoadedTask, newest: NewestCommits): boolean {
  const [head] = newest.commits;
  if (targetOf(newest, undefined) > cached.epoch) return false;
  return cached.epoch === 0 || (head?.epoch === cached.epoch && head.nonce === cached.nonce);
}

/** The commits after the cached epoch, oldest first; nothing when they do not lead from what is cached to the target. */
function missingCommits(newest: NewestCommits, cached: LoadedTask): readonly StoredCommit[] | undefined {
  if (!newest.complete) return undefined; // further behind than one page: a checkpoint is nearer
  const ascending = newest.commits.toReversed();
  if (ascending.at(-1)?.epoch !== targetOf(newest, cached) || !isContiguous(ascending)) return undefined;
  if (cached.epoch === 0) return ascending[0]?.epoch === 1 ? ascending : undefined;
  if (ascending[0]?.epoch !== cached.epoch || ascending[0].nonce !== cached.nonce) return undefined;
  return ascending.slice(1);
}

/** The commits are read already: it is spilled bodies and decoding that still cost. */
function cheaperFromCheckpoint(missing: readonly StoredCommit[], item: TaskItem, cached: LoadedTask): boolean {
  if (item.checkpoint === undefined || item.checkpoint.epoch <= cached.epoch) return false;
  const spilled = missing.filter(({ body }) => isSpilled(body)).length;
  return spilled > 1 && spilled * CHECKPOINT_READ_BYTES > item.checkpoint.bytes;
}

const isContiguous = (commits: readonly StoredCommit[]): boolean =>
  commits.every((commit, i) => i === 0 || commit.epoch === commits[i - 1]!.epoch + 1);
