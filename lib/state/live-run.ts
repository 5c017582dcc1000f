import type { SortedRun } from "./sorted-run.ts";

/** A sorted run under a table that changes: which of its spaces are still the run's, and how many entries each has now. */
export class LiveRun {
  readonly run: SortedRun;
  /** By space the entries it has, what was put and removed since among them. */
  readonly #live: Float64Array;
  readonly #isDropped: Uint8Array;
  #spacesLeft: number;
  #size: number;
  /** No space before this place has entries. */
  #first = 0;
  /** The place of the space that was asked for last: most are asked for many times in a row. */
  #lastSpace = Number.NaN;
  #lastPlace = -1;

  /** What was asked for last: it is asked for again, to be changed. */
  #gotPlace = -1;
  #gotKey = "";
  #got: unknown = undefined;

  constructor(run: SortedRun) {
    this.run = run;
    this.#live = Float64Array.from(run.index.counts);
    this.#isDropped = new Uint8Array(this.#live.length);
    this.#spacesLeft = this.#live.length;
    this.#size = run.size;
  }

  /** What the run has of a space that is still its own. */
  get(space: number, key: string): unknown {
    const place = this.placeOf(space);
    if (place < 0) return undefined;
    if (place !== this.#gotPlace || key !== this.#gotKey) {
      this.#got = this.run.get(place, key);
      this.#gotPlace = place;
      this.#gotKey = key;
    }
    return this.#got;
  }

  /** Whether all spaces are dropped. */
  get isDone(): boolean {
    return this.#spacesLeft === 0;
  }

  /** The place of a space that is still the run's; -1 for others. */
  placeOf(space: number): number {
    if (space !== this.#lastSpace) {
      this.#lastPlace = this.run.placeOf(space);
      this.#lastSpace = space;
    }
    return this.#lastPlace >= 0 && this.#isDropped[this.#lastPlace] === 0 ? this.#lastPlace : -1;
  }

  /** Entries in all spaces that are still the run's. */
  get size(): number {
    return this.#size;
  }

  sizeAt(place: number): number {
    return this.#live[place]!;
  }

  /** A space has so many entries more, or fewer. */
  grow(place: number, by: number): void {
    this.#live[place]! += by;
    this.#size += by;
    if (by > 0 && place < this.#first) this.#first = place;
  }

  /** A space is not the run's any more. */
  drop(place: number): void {
    if (this.#isDropped[place] === 1) return;
    this.#isDropped[place] = 1;
    this.#size -= this.#live[place]!;
    this.#live[place] = 0;
    this.#spacesLeft--;
  }

  /** The lowest space that has entries; infinity when there is none. */
  get least(): number {
    while (this.#first < this.#live.length && this.#live[this.#first] === 0) this.#first++;
    return this.run.spaces[this.#first] ?? Number.POSITIVE_INFINITY;
  }

  /** The spaces that have entries, in their order. */
  *spaces(): Generator<number> {
    for (let place = 0; place < this.#live.length; place++) if (this.#live[place]! > 0) yield this.run.spaces[place]!;
  }
}
