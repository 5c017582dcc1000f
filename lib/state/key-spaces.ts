import { SortedNumbers } from "./sorted-numbers.ts";

/** The spaces where a key has an entry, in order. To be read at once: it may be what comes and goes. */
export type SpacesOfKey = Pick<
  SortedNumbers,
  "size" | "first" | "last" | "above" | "firstAbove" | typeof Symbol.iterator
>;

/** Per key of a table the spaces where it has an entry. */
export class KeySpaces {
  /** Most keys have one, and it is all that is kept of them. */
  readonly #spaces = new Map<string, number | SortedNumbers>();

  of(key: string): SpacesOfKey {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) return NONE;
    return typeof spaces === "number" ? new OneSpace(spaces) : spaces;
  }

  /** An entry has come. */
  add(space: number, key: string): void {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) this.#spaces.set(key, space);
    else if (typeof spaces !== "number") spaces.add(space);
    else if (spaces !== space) this.#spaces.set(key, both(spaces, space));
  }

  /** An entry has gone. */
  remove(space: number, key: string): void {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) return;
    if (typeof spaces !== "number") spaces.delete(space);
    if (spaces === space || (typeof spaces !== "number" && spaces.size === 0)) this.#spaces.delete(key);
  }
}

/** What most keys have: made whenever they are asked for. */
class OneSpace implements SpacesOfKey {
  readonly size = 1;
  readonly first: number;

  constructor(space: number) {
    this.first = space;
  }

  get last(): number {
    return this.first;
  }

  *above(number: number): Generator<number> {
    if (this.first > number) yield this.first;
  }

  firstAbove(number: number): number | undefined {
    return this.first > number ? this.first : undefined;
  }

  [Symbol.iterator](): Generator<number> {
    return this.above(Number.NEGATIVE_INFINITY);
  }
}

const NONE: SpacesOfKey = new SortedNumbers();

function both(one: number, other: number): SortedNumbers {
  const some = new SortedNumbers();
  some.add(one);
  some.add(other);
  return some;
}
