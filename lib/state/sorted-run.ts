import { messageOf } from "../errors.ts";
import { blockOf, keyIn, searched, valueIn, type Block } from "./block.ts";
import { corrupt } from "./codec.ts";
import { inflatedBlock } from "./compression.ts";
import { compareFirstKey, type RunIndex } from "./run-index.ts";

/** Some of a run's entries that lie in one block. */
export interface BlockPart {
  readonly block: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A table's entries as of a checkpoint, in the order of their spaces and keys, cut into blocks, each of which is
 * compressed by itself (a sorted string table: F. Chang et al., Bigtable, 2006). Only the blocks that are asked for are
 * inflated, and only the values that are asked for are made: so what a task takes, in time and in memory, depends on what it
 * touches. It never changes; what was put since is in the table that has it.
 */
export class SortedRun {
  readonly index: RunIndex;
  readonly #bytes: Uint8Array;
  readonly #what: string;
  readonly #spaces: Float64Array;
  /** By space the place of its first entry; the last one is the number of entries. */
  readonly #firstOfSpace: Float64Array;
  /** The same by block. */
  readonly #firstOfBlock: Float64Array;
  /** By block the place of its first byte. */
  readonly #byteOfBlock: Float64Array;
  readonly #open: (Block | undefined)[];
  /** What makes a stored value the table's. */
  readonly #restore: ((value: unknown, key: string) => unknown) | undefined;

  /**
   * @param bytes the blocks, one after the other
   * @param what names where they come from, in errors
   * @param open blocks that are inflated already
   */
  constructor(
    index: RunIndex,
    bytes: Uint8Array,
    what: string,
    restore?: (value: unknown, key: string) => unknown,
    open: readonly (Block | undefined)[] = [],
  ) {
    this.index = index;
    this.#bytes = bytes;
    this.#what = what;
    this.#restore = restore;
    this.#spaces = Float64Array.from(index.spaces);
    this.#firstOfSpace = sumsOf(index.counts);
    this.#firstOfBlock = sumsOf(index.entries);
    this.#byteOfBlock = sumsOf(index.bytes);
    this.#open = index.entries.map((_, block) => open[block]);
  }

  /** The same entries, each of which goes through a function when it is read. */
  restoredBy(restore: (value: unknown, key: string) => unknown): SortedRun {
    return new SortedRun(this.index, this.#bytes, this.#what, restore, this.#open);
  }

  get size(): number {
    return this.#firstOfBlock.at(-1)!;
  }

  get spaces(): Float64Array {
    return this.#spaces;
  }

  /** The place of a space among the run's; -1 for none. */
  placeOf(space: number): number {
    const place = lastAtMost(this.#spaces, space, 0, this.#spaces.length);
    return place >= 0 && this.#spaces[place] === space ? place : -1;
  }

  /** @param place of the space */
  get(place: number, key: string): unknown {
    const first = this.#firstOfSpace[place]!;
    const last = this.#firstOfSpace[place + 1]! - 1;
    let low = this.#blockOf(first);
    let high = this.#blockOf(last);
    // The first of these blocks may begin with another space's key: all others begin with this one's.
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compareFirstKey(this.index, middle, key) <= 0) low = middle;
      else high = middle - 1;
    }
    const start = this.#firstOfBlock[low]!;
    const block = this.open(low);
    const i = searched(block, Math.max(first - start, 0), Math.min(last + 1 - start, block.count), key);
    return i < 0 ? undefined : this.valueIn(block, i, key);
  }

  /** The parts of blocks that hold a space's entries, in their order. */
  *partsOf(place: number): Generator<BlockPart> {
    const first = this.#firstOfSpace[place]!;
    const end = this.#firstOfSpace[place + 1]!;
    for (let at = first; at < end;) {
      const block = this.#blockOf(at);
      const start = this.#firstOfBlock[block]!;
      const until = Math.min(end, this.#firstOfBlock[block + 1]!);
      yield { block, from: at - start, to: until - start };
      at = until;
    }
  }

  /** A space's entries, in the order of their keys. */
  *entriesOf(place: number): Generator<readonly [key: string, value: unknown]> {
    for (const { block, from, to } of this.partsOf(place)) {
      const opened = this.open(block, false);
      for (let i = from; i < to; i++) {
        const key = keyIn(opened, i);
        yield [key, this.valueIn(opened, i, key)];
      }
    }
  }

  /** @throws what a value is refused with */
  verify(): void {
    for (let place = 0; place < this.#spaces.length; place++) {
      const entries = this.entriesOf(place);
      while (entries.next().done !== true);
    }
  }

  /** @throws systemic error `state/corrupt` */
  open(block: number, isKept = true): Block {
    const before = this.#open[block];
    if (before !== undefined) return before;
    const { inflated, entries } = this.index;
    try {
      const opened = blockOf(inflatedBlock(this.compressed(block), inflated[block]!), entries[block]!);
      if (isKept) this.#open[block] = opened;
      return opened;
    } catch (cause) {
      throw corrupt(this.#what, `a block of entries does not decode (${messageOf(cause)})`, cause);
    }
  }

  isOpen(block: number): boolean {
    return this.#open[block] !== undefined;
  }

  compressed(block: number): Uint8Array {
    return this.#bytes.subarray(this.#byteOfBlock[block], this.#byteOfBlock[block + 1]);
  }

  /** All blocks, one after the other. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  valueIn(block: Block, i: number, key: string): unknown {
    let value: unknown;
    try {
      value = valueIn(block, i);
    } catch (cause) {
      throw corrupt(this.#what, `an entry does not decode (${messageOf(cause)})`, cause);
    }
    if (value === undefined) throw corrupt(this.#what, "an entry has no value");
    return this.#restore === undefined ? value : this.#restore(value, key);
  }

  #blockOf(entry: number): number {
    return lastAtMost(this.#firstOfBlock, entry, 0, this.index.entries.length);
  }
}

/** The sums of ever more of some numbers: of none first, of all last. */
function sumsOf(numbers: readonly number[]): Float64Array {
  const sums = new Float64Array(numbers.length + 1);
  for (let i = 0; i < numbers.length; i++) sums[i + 1] = sums[i]! + numbers[i]!;
  return sums;
}

/** Where the last of ascending numbers is that is at most so large; before `from` when none is. */
function lastAtMost(numbers: Float64Array, most: number, from: number, to: number): number {
  let [low, high] = [from, to - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! <= most) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}
