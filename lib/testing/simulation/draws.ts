/**
 * Numbers that a seed determines. The n-th number of a name is the same whatever else was drawn, so that a change in
 * one place of a simulation leaves the others as they were.
 */
export class Draws {
  readonly #seed: number;

  constructor(seed: number | string) {
    this.#seed = mix(hashOfText(String(seed)));
  }

  /** The n-th number of a name: from 0 to 1, 1 excluded. */
  at(name: string, n: number): number {
    return numberAt(mix(this.#seed ^ hashOfText(name)), n);
  }

  /** All numbers of a name, one after the other. */
  stream(name: string): DrawStream {
    return new DrawStream(mix(this.#seed ^ hashOfText(name)));
  }
}

/** Numbers of one name, in their order. */
export class DrawStream {
  readonly #base: number;
  #n = 0;

  constructor(base: number) {
    this.#base = base;
  }

  /** From 0 to 1, 1 excluded. */
  next(): number {
    return numberAt(this.#base, this.#n++);
  }

  /** A whole number from 0 to `n`, `n` excluded. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** A whole number around `mean`, often smaller, at times much larger: times between arrivals. */
  around(mean: number): number {
    return Math.round(-Math.log(1 - this.next()) * mean);
  }

  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }
}

const numberAt = (base: number, n: number): number => mix((base + Math.imul(n, 0x9e3779b1)) | 0) / 4_294_967_296;

// FNV-1a: names are short.
function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

// The finalizer of MurmurHash3: every bit of its input decides about every bit of its output.
function mix(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
