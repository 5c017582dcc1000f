/**
 * The least of a changing set of numbers, in logarithmic time: a binary heap whose numbers are taken out when they come
 * to its top and are found to be gone.
 */
export class SpaceQueue {
  readonly #isThere: (space: number) => boolean;
  #heap: number[] = [];
  /** The lowest that is there, while it is known: it is asked for with every record, and seldom another one. */
  #least: number | undefined = undefined;
  /** Of numbers that were there when the heap was last made anew. */
  #kept = 0;

  /** @param isThere whether a number that was added is in the set still */
  constructor(isThere: (space: number) => boolean) {
    this.#isThere = isThere;
  }

  /** The lowest number that is there; infinity when there is none. */
  get least(): number {
    return (this.#least ??= this.#find());
  }

  #find(): number {
    while (this.#heap.length > 0 && !this.#isThere(this.#heap[0]!)) this.#removeTop();
    return this.#heap[0] ?? Number.POSITIVE_INFINITY;
  }

  /** A number has gone out of the set. */
  gone(space: number): void {
    if (space === this.#least) this.#least = undefined;
  }

  /** A number has come into the set, for the first time or again. */
  add(space: number): void {
    if (this.#least !== undefined && space < this.#least) this.#least = space;
    // Numbers that come and go above the least would gather.
    if (this.#heap.length > 2 * this.#kept + 64) this.#rebuild();
    const heap = this.#heap;
    let at = heap.push(space) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= space) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = space;
  }

  clear(): void {
    this.#least = undefined;
    this.#heap = [];
    this.#kept = 0;
  }

  #rebuild(): void {
    // A sorted array is a heap.
    this.#heap = [...new Set(this.#heap.filter(this.#isThere))].sort((a, b) => a - b);
    this.#kept = this.#heap.length;
  }

  #removeTop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
