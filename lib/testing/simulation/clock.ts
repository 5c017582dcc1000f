interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Simulated time: it moves from one thing that happens to the next, and nothing waits. */
export class SimulatedClock {
  #now: number;
  #order = 0;
  readonly #heap: Entry[] = [];

  /** @param start epoch milliseconds */
  constructor(start: number) {
    this.#now = start;
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** Makes something happen at a time; what was asked for first happens first. */
  at(time: number, run: () => void): void {
    this.#push({ at: Math.max(time, this.#now), order: this.#order++, run });
  }

  /** @param millis from now */
  after(millis: number, run: () => void): void {
    this.at(this.#now + millis, run);
  }

  /** Lets happen what is due until then. */
  async runUntil(time: number, isOver: () => boolean = () => false): Promise<void> {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= time && !isOver()) {
      const { at, run } = this.#pop();
      this.#now = at;
      run();
      await settled();
    }
    if (time > this.#now && !isOver()) this.#now = time;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** When all promises have been followed as far as they go. Node runs the next tick after all microtasks. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
