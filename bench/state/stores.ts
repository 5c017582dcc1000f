import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Changelog, CheckpointPointer, TaskItem } from "../../lib/state/changelog.ts";
import type { StoredCommit } from "../../lib/state/commit.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import { MemoryChangelog } from "../../lib/testing/memory-changelog.ts";

/** Objects in a directory, so that they take none of the process's memory. Two checkpoints are kept. */
export class FileObjects implements ObjectStore {
  readonly #directory: string;
  /** Is told before an object is written. */
  onPut: (key: string, bytes: number) => void = () => undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.onPut(key, bytes.length);
    mkdirSync(path.dirname(this.#file(key)), { recursive: true });
    writeFileSync(this.#file(key), bytes);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return existsSync(this.#file(key)) ? readFileSync(this.#file(key)) : undefined;
  }

  async list(): Promise<readonly string[]> {
    return [];
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) rmSync(this.#file(key), { force: true });
  }

  #file = (key: string): string => path.join(this.#directory, key.replaceAll(":", "_"));
}

/** A changelog in memory that forgets what its last checkpoint covers, and that another process can go on with. */
export class ShortChangelog implements Changelog {
  readonly #inner = new MemoryChangelog();
  #forgotten = 0;
  /** Is told when a commit was appended. */
  onAppend: () => void = () => undefined;

  newest = (...args: Parameters<Changelog["newest"]>) => this.#inner.newest(...args);
  range = (...args: Parameters<Changelog["range"]>) => this.#inner.range(...args);
  raiseDelivered = (...args: Parameters<Changelog["raiseDelivered"]>) => this.#inner.raiseDelivered(...args);
  raiseProgress = (...args: Parameters<Changelog["raiseProgress"]>) => this.#inner.raiseProgress(...args);
  beginTrial = (...args: Parameters<Changelog["beginTrial"]>) => this.#inner.beginTrial(...args);
  endTrial = (...args: Parameters<Changelog["endTrial"]>) => this.#inner.endTrial(...args);
  noteLineage = (...args: Parameters<Changelog["noteLineage"]>) => this.#inner.noteLineage(...args);

  async append(task: string, commit: StoredCommit): Promise<boolean> {
    const won = await this.#inner.append(task, commit);
    this.onAppend();
    return won;
  }

  async raiseCheckpoint(task: string, pointer: CheckpointPointer): Promise<void> {
    await this.#inner.raiseCheckpoint(task, pointer);
    while (this.#forgotten < pointer.epoch - 1) this.#inner.forget(task, ++this.#forgotten);
  }

  async save(task: string, file: string): Promise<void> {
    const { item, commits } = await this.#inner.newest(task, { from: 0 });
    writeFileSync(file, serialize({ task, item, commits: commits.toReversed() }));
  }

  static async load(file: string): Promise<ShortChangelog> {
    const { task, item, commits } = deserialize(readFileSync(file)) as {
      readonly task: string;
      readonly item: TaskItem;
      readonly commits: readonly StoredCommit[];
    };
    const changelog = new ShortChangelog();
    // What comes out of a deserializer are Buffers, or arrays: bodies are the latter.
    for (const commit of commits) await changelog.append(task, commit);
    await changelog.raiseDelivered(task, item.delivered);
    if (item.checkpoint !== undefined) await changelog.#inner.raiseCheckpoint(task, item.checkpoint);
    return changelog;
  }
}
