import type { Random } from "./random.ts";

/** Which idle container an invocation gets. AWS documents neither; the truth lies with one or between them. */
export type Assignment = "most-recently-used" | "random";

/** An execution environment, and which tasks it has met: what `stageTasks` keeps, without the states. */
export interface Container {
  idleSince: number;
  /** Shard → the number of batches that shard had committed when this container last had it. Oldest first. */
  readonly known: Map<number, number>;
}

/** The idle containers of a function. One is created when none is idle; long idle ones are reclaimed. */
export class ContainerPool {
  readonly #assignment: Assignment;
  readonly #random: Random;
  /** Seconds. */
  readonly #reclaimAfter: number;
  /** In the order they became idle, unless the assignment is random. */
  readonly #idle: Container[] = [];
  created = 0;

  constructor(assignment: Assignment, random: Random, reclaimAfter: number) {
    this.#assignment = assignment;
    this.#random = random;
    this.#reclaimAfter = reclaimAfter;
  }

  take(now: number): Container {
    while (this.#idle.length > 0) {
      const container = this.#takeIdle();
      if (now - container.idleSince <= this.#reclaimAfter) return container;
      // Reclaimed. Where the one used last is, all others are as well.
      if (this.#assignment === "most-recently-used") this.#idle.length = 0;
    }
    this.created++;
    return { idleSince: now, known: new Map() };
  }

  #takeIdle(): Container {
    const last = this.#idle.pop()!;
    if (this.#assignment === "most-recently-used" || this.#idle.length === 0) return last;
    const at = this.#random.below(this.#idle.length + 1);
    if (at === this.#idle.length) return last;
    const taken = this.#idle[at]!;
    this.#idle[at] = last;
    return taken;
  }

  release(container: Container, now: number): void {
    container.idleSince = now;
    this.#idle.push(container);
  }
}
