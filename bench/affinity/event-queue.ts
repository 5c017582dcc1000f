/**
 * The next event of each shard, soonest first: a binary heap of shards. A shard has one event ahead of it at any
 * time, so its time is kept by shard.
 */
export class EventQueue {
  readonly #time: Float64Array;
  readonly #heap: Int32Array;
  #size = 0;

  /** @param shards numbered from 0 */
  constructor(shards: number) {
    this.#time = new Float64Array(shards);
    this.#heap = new Int32Array(shards);
  }

  push(shard: number, time: number): void {
    this.#time[shard] = time;
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#heap[parent]!;
      if (this.#time[above]! <= time) break;
      this.#heap[at] = above;
      at = parent;
    }
    this.#heap[at] = shard;
  }

  /** The shard whose event comes next; its time is {@link timeOf} it. The queue must not be empty. */
  pop(): number {
    const top = this.#heap[0]!;
    const last = this.#heap[--this.#size]!;
    const time = this.#time[last]!;
    let at = 0;
    for (let child = 1; child < this.#size; child = 2 * at + 1) {
      if (child + 1 < this.#size && this.#time[this.#heap[child + 1]!]! < this.#time[this.#heap[child]!]!) child++;
      const below = this.#heap[child]!;
      if (this.#time[below]! >= time) break;
      this.#heap[at] = below;
      at = child;
    }
    this.#heap[at] = last;
    return top;
  }

  timeOf(shard: number): number {
    return this.#time[shard]!;
  }
}
