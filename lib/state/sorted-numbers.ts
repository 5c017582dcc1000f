/** Numbers side by side in memory: what an insertion moves at most. */
const CHUNK = 512;

/**
 * Numbers in ascending order, each once, of which many may come and go in any order: in chunks, so that none of it takes time
 * that grows with how many there are, but for a binary search and a few hundred numbers to be moved.
 */
export class SortedNumbers implements Iterable<number> {
  /** None is empty. */
  readonly #chunks: number[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The least; undefined of none. */
  get first(): number | undefined {
    return this.#chunks[0]?.[0];
  }

  /** The greatest; undefined of none. */
  get last(): number | undefined {
    return this.#chunks.at(-1)?.at(-1);
  }

  add(number: number): void {
    const chunks = this.#chunks;
    const at = Math.max(this.#chunkOf(number), 0);
    const chunk = (chunks[at] ??= []);
    const place = countUpTo(chunk, number);
    if (place > 0 && chunk[place - 1] === number) return;
    if (place === chunk.length) chunk.push(number);
    else chunk.splice(place, 0, number);
    this.#size++;
    if (chunk.length <= CHUNK) return;
    // What comes in order leaves full chunks behind.
    const isLast = at === chunks.length - 1 && place === CHUNK;
    chunks.splice(at + 1, 0, chunk.splice(isLast ? CHUNK : CHUNK / 2));
  }

  delete(number: number): void {
    const at = this.#chunkOf(number);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return;
    const place = countUpTo(chunk, number) - 1;
    if (chunk[place] !== number) return;
    chunk.splice(place, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** Those above a number, in order. Nothing may come or go meanwhile. */
  *above(number: number): Generator<number> {
    let at = Math.max(this.#chunkOf(number), 0);
    let place = countUpTo(this.#chunks[at] ?? [], number);
    for (; at < this.#chunks.length; at++, place = 0)
      for (const chunk = this.#chunks[at]!; place < chunk.length; place++) yield chunk[place]!;
  }

  /** The least above a number; undefined where there is none. */
  firstAbove(number: number): number | undefined {
    const at = Math.max(this.#chunkOf(number), 0);
    const chunk = this.#chunks[at] ?? [];
    return chunk[countUpTo(chunk, number)] ?? this.#chunks[at + 1]?.[0];
  }

  [Symbol.iterator](): Generator<number> {
    return this.above(Number.NEGATIVE_INFINITY);
  }

  /** The place of the chunk that a number is in if it is in any; -1 for what is below all. */
  #chunkOf(number: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#chunks[middle]![0]! <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** How many of ascending numbers are not above one. */
function countUpTo(numbers: readonly number[], number: number): number {
  let low = 0;
  let high = numbers.length;
  // Most come in order.
  if (high > 0 && numbers[high - 1]! <= number) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}
