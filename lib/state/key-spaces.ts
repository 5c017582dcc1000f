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
    return typeof spaces === "number" ? just(spaces) : spaces;
  }

  /** An entry has come. */
  add(space: number, key: string): void {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) this.#spaces.set(key, space);
    else if (typeof spaces !== "number") spaces.add(space);
    else if (spaces !== space) this.#spaces.set(key, just(spaces, space));
  }

  /** An entry has gone. */
  remove(space: number, key: string): void {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) return;
    if (typeof spaces !== "number") spaces.delete(space);
    if (spaces === space || (typeof spaces !== "number" && spaces.size === 0)) this.#spaces.delete(key);
  }
}

const NONE: SpacesOfKey = new SortedNumbers();

function just(...numbers: readonly number[]): SortedNumbers {
  const some = new SortedNumbers();
  for (const number of numbers) some.add(number);
  return some;
}
