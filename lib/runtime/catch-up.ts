import { systemicError } from "../errors.ts";
import type { Changelog, CheckpointPointer, NewestCommits, TaskItem } from "../state/changelog.ts";
import { decodeCheckpoint } from "../state/checkpoint.ts";
import { bodyBytes, decodeCommit, isSpilled, isWhole, type Output, type StoredCommit } from "../state/commit.ts";
import type { ObjectStore } from "../state/object-store.ts";
import type { LoadedTask } from "./loaded-task.ts";

/** Reading this many bytes of commits costs about as much as reading a checkpoint object. */
const CHECKPOINT_READ_BYTES = 16 * 1_024;

export interface CaughtUp {
  readonly task: LoadedTask;
  readonly item: TaskItem;
  /** Bytes read beyond the head. */
  readonly bytes: number;
}

/** Brings a task's state in memory to its changelog's head, or loads it anew. */
export class CatchUp {
  readonly #changelog: Changelog;
  readonly #objects: ObjectStore;

  constructor(changelog: Changelog, objects: ObjectStore) {
    this.#changelog = changelog;
    this.#objects = objects;
  }

  /**
   * @param cached what this process knew last, brought forward when that is cheaper than `fresh`
   * @throws systemic errors `state/corrupt`, `state/shape`, `state/gone`
   */
  async run(name: string, cached: LoadedTask | undefined, fresh: () => LoadedTask): Promise<CaughtUp> {
    const from = cached?.epoch ?? 0;
    // A cold start needs the head and the item first: where to read from stands in them.
    const newest = await this.#changelog.newest(name, cached === undefined ? { from, limit: 1 } : { from });
    const head = newest.commits[0];
    if (cached !== undefined) {
      if (head?.epoch === cached.epoch && head.nonce === cached.nonce)
        return { task: cached, item: newest.item, bytes: 0 };
      if (head === undefined && cached.epoch === 0) return { task: cached, item: newest.item, bytes: 0 };
      if (head === undefined && newest.item.checkpoint === undefined)
        throw gone(name, "its changelog was there and is empty now");
      const missing = missingCommits(newest, cached);
      if (missing !== undefined && !cheaperFromCheckpoint(missing, newest.item, cached)) {
        const bytes = await this.#follow(cached, missing, name);
        return { task: cached, item: newest.item, bytes };
      }
    }
    const loaded = await this.#load(name, newest, fresh);
    // X11: what this process knew, or what was delivered, was committed; it cannot be gone.
    const least = Math.max(from, newest.item.delivered);
    if (loaded.task.epoch < least) throw gone(name, `commits up to ${least} are known, and the newest is missing`);
    return loaded;
  }

  /** From the newest base: a checkpoint, or a commit whose tables are whole. */
  async #load(name: string, newest: NewestCommits, fresh: () => LoadedTask): Promise<CaughtUp> {
    const head = newest.commits[0];
    let item = newest.item;
    if (head === undefined && item.checkpoint === undefined) return { task: fresh(), item, bytes: 0 };
    if (head !== undefined && isWhole(head)) {
      const task = fresh();
      return { task, item, bytes: await this.#follow(task, [head], name) };
    }
    const tried = new Set<string>();
    for (;;) {
      const bases = [item.checkpoint, item.previousCheckpoint].filter((pointer) => pointer !== undefined);
      const pointer = bases.find(({ key }) => !tried.has(key));
      const whole = head?.base;
      if (whole !== undefined && whole.epoch > (pointer?.epoch ?? 0))
        return this.#loadFrom(name, whole.epoch, head, item, fresh());
      if (pointer === undefined) {
        if (bases.length === 0) return this.#loadFrom(name, 1, head, item, fresh());
        throw gone(name, `its checkpoint objects ${bases.map(({ key }) => key).join(" and ")} are missing`);
      }
      const object = await this.#objects.get(pointer.key);
      if (object !== undefined)
        return this.#loadFrom(name, pointer.epoch + 1, head, item, this.#restore(fresh(), pointer, object));
      // X11: a missing object means that the pointer has moved on; failing that, the one before is kept.
      tried.add(pointer.key);
      item = (await this.#changelog.newest(name, { from: head?.epoch ?? 0, limit: 1 })).item;
    }
  }

  #restore(task: LoadedTask, pointer: CheckpointPointer, object: Uint8Array): LoadedTask {
    const { shapes, header, tables } = decodeCheckpoint(pointer, object);
    task.startFrom(pointer, pointer.build, shapes, header, tables);
    if (task.state.size > 0) task.bytesPerEntry = object.length / task.state.size;
    return task;
  }

  async #loadFrom(
    name: string,
    from: number,
    head: StoredCommit | undefined,
    item: TaskItem,
    task: LoadedTask,
  ): Promise<CaughtUp> {
    if (head === undefined || head.epoch < from) return { task, item, bytes: 0 };
    const { commits, bytes } =
      head.epoch === from ? { commits: [head], bytes: 0 } : await this.#changelog.range(name, from, head.epoch);
    if (commits[0]?.epoch !== from || !isContiguous(commits) || commits.at(-1)!.epoch < head.epoch) {
      throw gone(name, `commits between ${from} and ${head.epoch} are missing`);
    }
    await this.#follow(task, commits, name);
    return { task, item, bytes };
  }

  async #follow(task: LoadedTask, commits: readonly StoredCommit[], name: string): Promise<number> {
    let bytes = 0;
    for (const stored of commits) {
      const body = await this.#bodyOf(stored, name);
      task.follow(stored, decodeCommit(stored, body, name));
      bytes += bodyBytes(stored);
    }
    return bytes;
  }

  async #bodyOf(stored: StoredCommit, name: string): Promise<Uint8Array> {
    if (!isSpilled(stored.body)) return stored.body;
    const object = await this.#objects.get(stored.body.key);
    if (object === undefined) throw gone(name, `commit ${stored.epoch}'s spilled body ${stored.body.key} is missing`);
    return object;
  }

  /** The head's outputs, for a delivery of which this process knows nothing yet. */
  async outputsOf(task: LoadedTask, name: string): Promise<readonly Output[]> {
    if (task.headOutputs !== undefined || task.epoch === 0) return task.headOutputs ?? [];
    const { commits } = await this.#changelog.range(name, task.epoch, task.epoch);
    const head = commits[0];
    if (head === undefined) return []; // X11: only commits whose outputs were delivered may go
    return decodeCommit(head, await this.#bodyOf(head, name), name).outputs;
  }
}

/** The commits after the cached epoch, oldest first; nothing when they do not continue what is cached. */
function missingCommits({ commits }: NewestCommits, cached: LoadedTask): readonly StoredCommit[] | undefined {
  const ascending = commits.toReversed();
  if (!isContiguous(ascending)) return undefined;
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

const gone = (name: string, what: string) =>
  systemicError({
    code: "state/gone",
    message: `Task ${name} cannot be loaded: ${what}.`,
    advice: "Restore what is missing from a backup, or begin a new generation: the stream is read again.",
  });
