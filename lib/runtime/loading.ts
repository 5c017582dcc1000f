import type { Changelog, CheckpointPointer, NewestCommits } from "../state/changelog.ts";
import { decodeCheckpoint } from "../state/checkpoint.ts";
import { corrupt } from "../state/codec.ts";
import { bodyBytes, decodeCommit, isSpilled, isWhole, type StoredCommit } from "../state/commit.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { gone, type Damages } from "./damages.ts";
import type { LoadedTask } from "./loaded-task.ts";

/** A GET of an object costs what consistent reads of this many bytes do ($0.40 a million, $0.125 a million of 4 KB). */
export const OBJECT_READ_BYTES = 12_800;

/** So many commits are read and applied at a time: a long log must not fill the memory. */
const PAGE = 256;

export interface Loaded {
  readonly task: LoadedTask;
  /** Bytes read beyond the head. */
  readonly bytes: number;
}

/** Commits of a log, one after the other, what reading them costs, in bytes, and their bodies by epoch. */
interface Page {
  readonly commits: readonly StoredCommit[];
  readonly bytes: number;
  readonly bodies: ReadonlyMap<number, Promise<Uint8Array>>;
}

/** Where loading may begin: after a checkpoint, or with a commit whose tables are whole. */
type Start =
  | { readonly kind: "checkpoint"; readonly epoch: number; readonly pointer: CheckpointPointer }
  | { readonly kind: "whole"; readonly epoch: number };

/** The highest epoch that a task is known to have had: epochs only rise, and what was delivered was committed. */
export function targetOf({ item, commits }: NewestCommits, cached: LoadedTask | undefined): number {
  const delivered = Object.values(item.deliveredTo).map(({ epoch }) => epoch);
  return Math.max(
    ...[commits[0]?.epoch ?? 0, item.checkpoint?.epoch ?? 0, item.delivered, ...delivered, cached?.epoch ?? 0],
  );
}

/**
 * Loads a task's state from what can be read of it.
 *
 * State at an epoch e is what a checkpoint of e holds, or what a whole commit e holds; with every commit from e + 1 to
 * the target applied in order it is the state at the target. All of these are the same state, because a commit is
 * never changed: so whichever start can be read may be used, and the newest is read least for. What makes that right
 * in the presence of damage:
 *
 * - A checkpoint or commit is used only if its checksum holds, and that covers its epoch and its task: nothing is
 *   mistaken for another.
 * - A start is used only if every commit after it, up to the target, is there, reads, and is applied: a gap, or a
 *   damaged commit k, rules out every start that needs k. A checkpoint of k or above does not need it.
 * - The target does not come from what is damaged: it is told by the table's keys and by marks, which check themselves.
 *
 * So a damaged checkpoint is passed by where an older one, or a whole commit, and the log since can be read, and a
 * damaged commit where a checkpoint covers it. Whatever else is damaged stops the task.
 */
export class Loading {
  readonly #name: string;
  readonly #changelog: Changelog;
  readonly #objects: ObjectStore;
  readonly #damages: Damages;
  readonly #fresh: () => LoadedTask;
  /** A whole commit that was looked for in the log itself. */
  #found: number | undefined = undefined;

  constructor(name: string, changelog: Changelog, objects: ObjectStore, damages: Damages, fresh: () => LoadedTask) {
    this.#name = name;
    this.#changelog = changelog;
    this.#objects = objects;
    this.#damages = damages;
    this.#fresh = fresh;
  }

  /**
   * @param target the epoch to load
   * @returns nothing when more damage was found than was known: then newer evidence may lead further
   * @throws systemic errors that name what is damaged, when nothing leads to the target
   */
  async attempt(newest: NewestCommits, target: number): Promise<Loaded | undefined> {
    if (target === 0) return { task: this.#fresh(), bytes: 0 };
    this.#damages.keepPointedTo(newest.item);
    const start = this.#start(newest, target) ?? (await this.#lookForWhole(target));
    if (start === undefined) throw this.#damages.error();
    const task = this.#fresh();
    const [head] = newest.commits;
    const bytes = await this.#build(task, start, target, head);
    if (bytes === undefined) return undefined;
    if (task.epoch !== target) throw gone(this.#name, `its state is that of ${task.epoch}, and ${target} is known`);
    // A checkpoint of the head's own epoch: it is known by the head's nonce from now on.
    if (head?.epoch === target) [task.nonce, task.head] = [head.nonce, head];
    return { task, bytes };
  }

  /** The newest start that needs nothing damaged, as far as is known. */
  #start({ item, commits: [head] }: NewestCommits, target: number): Start | undefined {
    const starts: Start[] = [];
    // At one epoch the commit is preferred: it is in hand, or no larger than the checkpoint.
    for (const epoch of [head?.base?.epoch, this.#found]) {
      if (epoch === undefined || epoch > target) continue; // a head that names what is yet to come is found out itself
      if (epoch > this.#damages.highestCommit) starts.push({ kind: "whole", epoch });
    }
    for (const pointer of [item.checkpoint, item.previousCheckpoint]) {
      if (pointer === undefined || this.#damages.hasObject(pointer.key)) continue;
      const { epoch } = pointer;
      if (epoch >= this.#damages.highestCommit) starts.push({ kind: "checkpoint", epoch, pointer });
    }
    return starts.reduce<Start | undefined>((a, b) => (a === undefined || b.epoch > a.epoch ? b : a), undefined);
  }

  /** The newest whole commit from which the log leads to the target; or notes why there is none. */
  async #lookForWhole(target: number): Promise<Start | undefined> {
    for (let to = target; to > this.#damages.highestCommit; to -= PAGE) {
      const { commits } = await this.#changelog.range(this.#name, Math.max(1, to - PAGE + 1), to);
      const byEpoch = new Map(commits.map((commit) => [commit.epoch, commit]));
      for (let epoch = to; epoch > Math.max(to - PAGE, this.#damages.highestCommit); epoch--) {
        const commit = await this.#damages.ofCommit(epoch, async () => this.#present(byEpoch.get(epoch), epoch));
        if (commit === undefined) return undefined;
        if (!isWhole(commit) && epoch > 1) continue;
        this.#found = epoch;
        return { kind: "whole", epoch };
      }
    }
    return undefined;
  }

  /** @returns the bytes read; nothing when something is damaged, which was noted */
  async #build(
    task: LoadedTask,
    start: Start,
    target: number,
    head: StoredCommit | undefined,
  ): Promise<number | undefined> {
    const first = start.kind === "checkpoint" ? start.epoch + 1 : start.epoch;
    // It comes while the checkpoint does: both take a while, and neither says anything of the other.
    let next = this.#pageOf(first, target, head);
    if (start.kind === "checkpoint") {
      const restored = await this.#damages.ofObject(start.pointer.key, () => this.#restore(task, start.pointer));
      if (restored === undefined) return undefined;
    }
    let bytes = 0;
    for (let from = first; from <= target; from += PAGE) {
      const to = Math.min(from + PAGE - 1, target);
      if (from > first) next = this.#pageOf(from, target, head);
      const { commits, bodies, ...page } = await next;
      bytes += page.bytes;
      for (let epoch = from, i = 0; epoch <= to; epoch++) {
        const stored = commits[i]?.epoch === epoch ? commits[i++] : undefined;
        const followed = await this.#damages.ofCommit(epoch, async () => {
          const commit = this.#present(stored, epoch);
          task.follow(commit, decodeCommit(commit, await bodies.get(epoch)!, this.#name));
          if (epoch === start.epoch && epoch > 1 && !isWhole(commit)) throw baseIsNone(this.#name, target, epoch);
          return true;
        });
        if (followed === undefined) return undefined;
      }
    }
    return bytes;
  }

  /** The commits from an epoch on, and their bodies, all fetched at once. What fails does so when it is awaited. */
  #pageOf(from: number, target: number, head: StoredCommit | undefined): Promise<Page> {
    const page = this.#readPage(from, target, head);
    page.catch(() => undefined);
    return page;
  }

  async #readPage(from: number, target: number, head: StoredCommit | undefined): Promise<Page> {
    if (from > target) return { commits: [], bytes: 0, bodies: new Map() };
    const isHead = head?.epoch === from && from === target;
    const { commits, bytes } = isHead
      ? { commits: [head], bytes: 0 }
      : await this.#changelog.range(this.#name, from, Math.min(from + PAGE - 1, target));
    const bodies = new Map<number, Promise<Uint8Array>>();
    for (const commit of commits) {
      const body = bodyOf(this.#objects, commit, this.#name);
      body.catch(() => undefined);
      bodies.set(commit.epoch, body);
    }
    const objects = commits.filter(({ body }) => isSpilled(body)).length;
    return { commits, bytes: bytes + objects * OBJECT_READ_BYTES, bodies };
  }

  async #restore(task: LoadedTask, pointer: CheckpointPointer): Promise<true> {
    const object = await this.#objects.get(pointer.key);
    if (object === undefined) throw gone(this.#name, `its checkpoint ${pointer.key} is missing`);
    task.startFrom(pointer, pointer.build, decodeCheckpoint(this.#name, pointer, object));
    if (task.state.size > 0) task.bytesPerEntry = object.length / task.state.size;
    return true;
  }

  #present(stored: StoredCommit | undefined, epoch: number): StoredCommit {
    if (stored === undefined) throw gone(this.#name, `commit ${epoch} is missing`);
    if (stored.damage !== undefined) throw stored.damage;
    return stored;
  }
}

/** Applies a commit. @returns the bytes of its body */
export async function follow(
  objects: ObjectStore,
  task: LoadedTask,
  stored: StoredCommit,
  name: string,
): Promise<number> {
  task.follow(stored, decodeCommit(stored, await bodyOf(objects, stored, name), name));
  return bodyBytes(stored);
}

/** A commit's body, wherever it is. @throws systemic error `state/gone` */
export async function bodyOf(objects: ObjectStore, stored: StoredCommit, name: string): Promise<Uint8Array> {
  if (stored.damage !== undefined) throw stored.damage;
  if (!isSpilled(stored.body)) return stored.body;
  const object = await objects.get(stored.body.key);
  if (object === undefined) throw gone(name, `commit ${stored.epoch}'s spilled body ${stored.body.key} is missing`);
  return object;
}

const baseIsNone = (name: string, head: number, base: number) =>
  corrupt(`Commit ${head} of task ${name}`, `it names commit ${base} as the newest whole one, which it is not`);
