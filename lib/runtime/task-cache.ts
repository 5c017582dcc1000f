/** An execution environment keeps the states of no more tasks than this, however small they are. */
export const MAX_TASKS = 64;

/** What a cached thing takes, as far as it is known now: bytes of memory. */
interface Sized {
  readonly stateMemory: number;
}

/** The tasks that an execution environment keeps: the one not used for longest goes first. */
export class TaskCache<T extends Sized> {
  readonly #tasks = new Map<string, T>();
  readonly #bytes: number;

  /** @param bytes of memory above which tasks are let go; the one in use stays whatever it takes */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** The task of a partition, made if it is not there. */
  get(partition: string, make: () => T): T {
    const task = this.#tasks.get(partition) ?? make();
    this.#tasks.delete(partition);
    this.#tasks.set(partition, task); // the newest is last
    let bytes = 0;
    for (const { stateMemory } of this.#tasks.values()) bytes += stateMemory;
    for (const [oldest, { stateMemory }] of this.#tasks) {
      if (oldest === partition || (this.#tasks.size <= MAX_TASKS && bytes <= this.#bytes)) break;
      this.#tasks.delete(oldest);
      bytes -= stateMemory;
    }
    return task;
  }
}
