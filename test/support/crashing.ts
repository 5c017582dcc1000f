import type { SinkWriter } from "../../lib/runtime/sink-writer.ts";
import type { Changelog } from "../../lib/state/changelog.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import type { RigOptions } from "./rig.ts";

/** The process died here: nobody catches this but the test. */
export class Crash extends Error {}

export type CrashKind = "before" | "after" | "zombie";

/**
 * Counts the awaits of a process's turn on the world outside, and kills it at one of them: before the
 * request is sent, after it was carried out and its answer lost, or with the request still on its way
 * (a zombie's), to land when {@link land} says.
 */
export class CrashPoint {
  readonly #at: number;
  readonly #kind: CrashKind;
  #awaits = 0;
  #pending: (() => Promise<unknown>) | undefined;
  crashed = false;

  constructor(at: number, kind: CrashKind) {
    this.#at = at;
    this.#kind = kind;
  }

  async #pass<T>(request: () => Promise<T>): Promise<T> {
    if (this.crashed) throw new Crash("dead already");
    if (this.#awaits++ !== this.#at) return request();
    this.crashed = true;
    if (this.#kind === "after") await request();
    if (this.#kind === "zombie") this.#pending = request;
    throw new Crash(`crash ${this.#kind} await ${this.#at}`);
  }

  /** The zombie's last request arrives. */
  async land(): Promise<void> {
    const request = this.#pending;
    this.#pending = undefined;
    await request?.();
  }

  get options(): RigOptions {
    return {
      wrapChangelog: (changelog): Changelog => ({
        newest: (...args) => this.#pass(() => changelog.newest(...args)),
        range: (...args) => this.#pass(() => changelog.range(...args)),
        append: (...args) => this.#pass(() => changelog.append(...args)),
        raiseDelivered: (...args) => this.#pass(() => changelog.raiseDelivered(...args)),
        raiseProgress: (...args) => this.#pass(() => changelog.raiseProgress(...args)),
        beginTrial: (...args) => this.#pass(() => changelog.beginTrial(...args)),
        endTrial: (...args) => this.#pass(() => changelog.endTrial(...args)),
        noteLineage: (...args) => this.#pass(() => changelog.noteLineage(...args)),
        raiseCheckpoint: (...args) => this.#pass(() => changelog.raiseCheckpoint(...args)),
      }),
      wrapObjects: (objects): ObjectStore => ({
        put: (...args) => this.#pass(() => objects.put(...args)),
        get: (...args) => this.#pass(() => objects.get(...args)),
        list: (...args) => this.#pass(() => objects.list(...args)),
        delete: (...args) => this.#pass(() => objects.delete(...args)),
      }),
      wrapSink: (_name, sink): SinkWriter => ({ deliver: (items) => this.#pass(() => sink.deliver(items)) }),
    };
  }
}
