import { packedBlock, type Block } from "./block.ts";
import { sortedOrder } from "./sorted-order.ts";

/** So many are packed at once. */
const AT_ONCE = 1_024;

/** Some of a block's entries. */
interface Put {
  readonly block: Block;
  readonly from: number;
  readonly to: number;
}

/** What was put and removed in all spaces, one space after the other, and in each in any order. */
export interface FrozenChanges {
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
  readonly spaces: readonly SpaceChanges[];
}

/** What a space has in a table beside what it has in a run. */
export interface SpaceChanges {
  readonly space: number;
  /** Its place in the run; -1 when it has none of its entries. */
  readonly place: number;
  /** Where in the lists its changes end: they begin where those of the space before do. */
  readonly end: number;
}

/**
 * What was put and removed, in the order of spaces and keys, to be taken one after the other. It is packed across spaces: in
 * many of them little changes.
 */
export class Changes {
  readonly #keys: readonly string[];
  readonly #values: readonly unknown[];
  readonly #order: Uint32Array;
  readonly #isGone: (value: unknown) => boolean;
  /** The next one. */
  at = 0;
  /** Where those of the space end that is dealt with. */
  end = 0;
  /** Some from one on that were looked up, and packed as far as they were put. */
  #from = 0;
  #some: readonly unknown[] = [];
  #packed: Block | undefined = undefined;
  /** The place in the packed of the next one that was put. */
  #nextPut = 0;

  private constructor({ keys, values }: FrozenChanges, order: Uint32Array, isGone: (value: unknown) => boolean) {
    this.#keys = keys;
    this.#values = values;
    this.#order = order;
    this.#isGone = isGone;
  }

  /** Sorts them, a part at a time: it yields how many it has dealt with. */
  static *sorted(frozen: FrozenChanges, isGone: (value: unknown) => boolean): Generator<number, Changes> {
    const ends = frozen.spaces.map(({ end }) => end);
    return new Changes(frozen, yield* sortedOrder(frozen.keys, ends), isGone);
  }

  /** The next one's. */
  get key(): string {
    return this.#keys[this.#order[this.at]!]!;
  }

  /** The first one of the space that is not below a limit, from the next one on. @param compare the limit with a key */
  endBelow(compare: (key: string) => number): number {
    const isBelow = (place: number) => compare(this.#keys[this.#order[place]!]!) > 0;
    // Mostly it is near: by ever longer steps, and then between the last two.
    let [low, high] = [this.at, this.at];
    for (let step = 1; high < this.end && isBelow(high); step *= 2) [low, high] = [high + 1, high + step];
    high = Math.min(high, this.end);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBelow(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes some, up to `end` (excluded): a run of what was put; undefined for one that was removed. */
  take(end: number): Put | undefined {
    if (this.at >= this.#from + this.#some.length) this.#pack();
    const from = this.#nextPut;
    const until = Math.min(end, this.#from + this.#some.length);
    while (this.at < until && !this.#isGone(this.#some[this.at - this.#from])) {
      this.at++;
      this.#nextPut++;
    }
    if (this.#nextPut > from) return { block: this.#packed!, from, to: this.#nextPut };
    this.at++;
    return undefined;
  }

  #pack(): void {
    const places = Array.from(this.#order.subarray(this.at, this.at + AT_ONCE));
    const values = places.map((place) => this.#values[place]);
    [this.#from, this.#some, this.#nextPut] = [this.at, values, 0];
    const isPut = (_: unknown, i: number) => !this.#isGone(values[i]);
    const keys = places.map((place) => this.#keys[place]!);
    this.#packed = packedBlock(keys.filter(isPut), values.filter(isPut));
  }
}
