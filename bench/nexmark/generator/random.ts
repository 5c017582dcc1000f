/** Numbers that a seed and an event's number determine: an event is the same whatever was generated before it. */
export class EventRandom {
  readonly #seed: number;
  #state = 0;

  constructor(seed: number) {
    this.#seed = mix(seed | 0);
  }

  /** Begins an event's numbers. */
  begin(number: number): this {
    this.#state = mix(this.#seed ^ mix((number + 0x9e3779b1) | 0) ^ Math.floor(number / 4_294_967_296));
    return this;
  }

  /** Uniform in [0, 1): mulberry32 (T. Ettinger, public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number, uniform in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** Not so once in `n` times. */
  allButOneIn(n: number): boolean {
    return this.below(n) > 0;
  }
}

// The finalizer of MurmurHash3: every bit of its input decides about every bit of its output.
function mix(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
