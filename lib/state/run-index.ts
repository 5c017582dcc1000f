import { MAX_BODY_BYTES, unpackedPart } from "./codec.ts";
import { compareText, textEnd } from "./packed-text.ts";

/** Where the entries of a run are: what is read of it without reading any of them. */
export interface RunIndex {
  /** The spaces, in their order, and how many entries each has. */
  readonly spaces: readonly number[];
  readonly counts: readonly number[];
  /** Per block: how many entries it has, its bytes, and how many those were before they were compressed. */
  readonly entries: readonly number[];
  readonly bytes: readonly number[];
  readonly inflated: readonly number[];
  /** The blocks' first keys, as they are written there, and where each begins and the last one ends. */
  readonly keys: Uint8Array;
  readonly keyStarts: Uint32Array;
}

/** How a block's first key compares to a text, as `<` has it. */
export function compareFirstKey({ keys, keyStarts }: RunIndex, block: number, text: string): number {
  return compareText(keys, keyStarts[block]!, keyStarts[block + 1]!, text, madeText);
}

const madeText = (bytes: Uint8Array, at: number, end: number): string => unpackedPart(bytes, at, end) as string;

/**
 * An index as bytes: the number of spaces, these (eight bytes each, the most significant first), their counts; the number of
 * blocks, their entries, bytes, and bytes inflated; their first keys. Numbers take seven bits a byte, the least first, the
 * eighth set in all but the last. So thousands of blocks are read without a walk through values of any kind.
 */
export function encodeIndex({ spaces, counts, entries, bytes, inflated, keys }: RunIndex): Uint8Array {
  const most = (2 + counts.length + 3 * entries.length) * MOST_BYTES;
  const written = Buffer.allocUnsafe(most + 8 * spaces.length + keys.length);
  let at = 0;
  const write = (numbers: readonly number[]) => {
    for (let number of numbers) {
      for (; number >= 0x80; number = Math.floor(number / 0x80)) written[at++] = (number % 0x80) | 0x80;
      written[at++] = number;
    }
  };
  write([spaces.length]);
  for (const space of spaces) at = written.writeDoubleBE(space, at);
  for (const numbers of [counts, [entries.length], entries, bytes, inflated]) write(numbers);
  written.set(keys, at);
  return written.subarray(0, at + keys.length);
}

/** Of a number below 2^35. */
const MOST_BYTES = 5;

/**
 * @param length of all blocks
 * @throws Error for what is no index of blocks that are so long
 */
export function decodeIndex(written: Uint8Array, length: number): RunIndex {
  let at = 0;
  const read = (): number => {
    let number = 0;
    for (let factor = 1; factor < 2 ** (7 * MOST_BYTES); factor *= 0x80) {
      const byte = written[at++];
      if (byte === undefined) throw new Error("it ends too early");
      number += (byte & 0x7f) * factor;
      if (byte < 0x80) return number;
    }
    throw new Error("it has a number that does not end");
  };
  /** How many there are of something of which each takes so many bytes. */
  const readCount = (width: number): number => {
    const count = read();
    if (count * width > written.length - at) throw new Error("it declares more than it holds");
    return count;
  };
  const readAll = (count: number): number[] => {
    const numbers = new Array<number>(count).fill(0);
    for (let i = 0; i < count; i++) numbers[i] = read();
    return numbers;
  };
  const spaces = new Array<number>(readCount(8)).fill(0);
  const view = new DataView(written.buffer, written.byteOffset, written.byteLength);
  for (let i = 0; i < spaces.length; i++, at += 8) spaces[i] = view.getFloat64(at);
  const counts = readAll(spaces.length);
  const blocks = readCount(3);
  const [entries, bytes, inflated] = [readAll(blocks), readAll(blocks), readAll(blocks)];
  const keys = written.subarray(at);
  const index = { spaces, counts, entries, bytes, inflated, keys, keyStarts: startsOf(keys, blocks) };
  const wrong = wrongWithCounts(index, length);
  if (wrong !== undefined) throw new Error(wrong);
  return index;
}

function startsOf(keys: Uint8Array, blocks: number): Uint32Array {
  const starts = new Uint32Array(blocks + 1);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    starts[block] = at;
    at = textEnd(keys, at);
    if (!(at >= 0 && at <= keys.length)) throw new Error("it has a key that is no text");
  }
  if (at !== keys.length) throw new Error("it has more keys than blocks");
  starts[blocks] = at;
  return starts;
}

/** Keys as blocks have them, as an index has them. */
export function keysOf(firstKeys: readonly Uint8Array[]): Pick<RunIndex, "keys" | "keyStarts"> {
  const keyStarts = new Uint32Array(firstKeys.length + 1);
  firstKeys.forEach((key, block) => (keyStarts[block + 1] = keyStarts[block]! + key.length));
  return { keys: Buffer.concat(firstKeys), keyStarts };
}

/** What of an index's numbers is not as it must be; undefined when all is. */
export function wrongWithCounts(
  { spaces, counts, entries, bytes, inflated }: Omit<RunIndex, "keys" | "keyStarts">,
  length: number,
): string | undefined {
  for (let i = 0; i < spaces.length; i++)
    if (Number.isNaN(spaces[i]!) || (i > 0 && spaces[i - 1]! >= spaces[i]!)) return "its spaces are out of order";
  if (sumOf(counts) !== sumOf(entries)) return "its blocks do not hold what its spaces do";
  if (Number.isNaN(sumOf(inflated)) || sumOf(bytes) !== length) return "its blocks have another length";
  // An entry takes two bytes at least.
  for (let i = 0; i < entries.length; i++)
    if (inflated[i]! > MAX_BODY_BYTES || 2 * entries[i]! > inflated[i]!) return "a block has more than it can hold";
  return undefined;
}

/** Not a number when one of them is no count. */
function sumOf(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count > 0 ? count : Number.NaN;
  return sum;
}
