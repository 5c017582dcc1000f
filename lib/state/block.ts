import { checkBounds, isPlain, MAX_VALUES } from "./bounds.ts";
import { corrupt, packed, unpackedPart } from "./codec.ts";
import { compareText, numberAt, textEnd } from "./packed-text.ts";

/** Entries as they are written, and where each of them begins, so that one is read without making the others. */
export interface Block {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Where the keys begin, then the values, and where the last one ends. */
  readonly starts: Uint32Array;
  /** Whether this process wrote all that is in it: others' values are looked at before they are made. */
  readonly isOwn: boolean;
}

/**
 * A block that was read: the MessagePack of [lengths, keys, values], where lengths are bytes, in which each key's length and
 * then each value's is a number of seven bits a byte, the least first, the eighth set in all but the last.
 *
 * @throws systemic error `state/corrupt`
 */
export function blockOf(bytes: Uint8Array, count: number): Block {
  const starts = new Uint32Array(2 * count + 1);
  const width = bytes[1] === 0xc4 ? 1 : bytes[1] === 0xc5 ? 2 : bytes[1] === 0xc6 ? 4 : 0;
  if (bytes[0] !== TRIPLE || width === 0) throw damaged("it is no block of entries");
  let from = 2 + width;
  const lengthsEnd = from + numberAt(bytes, 2, width);
  let at = itemsAfter(bytes, lengthsEnd, count);
  for (let i = 0; i < 2 * count; i++) {
    if (i === count) at = itemsAfter(bytes, at, count);
    starts[i] = at;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = from < lengthsEnd && shift < 28 ? bytes[from++]! : 0x80;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      if (shift >= 28 || from >= lengthsEnd) throw damaged("it has a length that does not end");
    }
    at += length;
  }
  if (at !== bytes.length || from !== lengthsEnd) throw damaged("it does not end where its entries do");
  starts[2 * count] = at;
  return { bytes, count, starts, isOwn: false };
}

/** What is just being written, where it does not lie yet. */
export function packedBlock(keys: readonly string[], values: readonly unknown[]): Block {
  const bytes = packed([keys, values]);
  const starts = new Uint32Array(2 * keys.length + 1);
  checkBounds(bytes, MAX_VALUES, starts.subarray(0, 2 * keys.length));
  starts[2 * keys.length] = bytes.length;
  return { bytes, count: keys.length, starts, isOwn: true };
}

export const keyIn = (block: Block, i: number): string =>
  unpackedPart(block.bytes, block.starts[i]!, endOfKey(block, i)) as string;

/** @throws Error for a value that is out of bounds */
export function valueIn({ bytes, count, starts, isOwn }: Block, i: number): unknown {
  const [start, end] = [starts[count + i]!, starts[count + i + 1]!];
  if (!isOwn && !isPlain(bytes, start, end)) checkBounds(bytes.subarray(start, end));
  return unpackedPart(bytes, start, end);
}

/** Where a key ends. @throws systemic error `state/corrupt` when it is no text of its length */
export function endOfKey(block: Block, i: number): number {
  const end = keyEnd(block, i);
  if (!block.isOwn && textEnd(block.bytes, block.starts[i]!) !== end) throw damaged("it has a key that is no text");
  return end;
}

/** Where a key is to end. */
const keyEnd = ({ starts, count }: Block, i: number): number =>
  i + 1 < count ? starts[i + 1]! : starts[count]! - headerBytes(count);

/**
 * Where a key is among the entries `from` to `to` (excluded), which are in the order of their keys.
 *
 * @returns when it is not there, -1 less the place of the first entry with a higher one
 */
export function searched(block: Block, from: number, to: number, key: string): number {
  let [low, high] = [from, to - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compareText(block.bytes, block.starts[middle]!, endOfKey(block, middle), key, madeText);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1 - low;
}

const madeText = (bytes: Uint8Array, at: number, end: number): string => unpackedPart(bytes, at, end) as string;

/** Where the items of an array begin. @throws systemic error `state/corrupt` when there is none of so many items */
function itemsAfter(bytes: Uint8Array, at: number, count: number): number {
  const size = headerBytes(count);
  const token = size === 1 ? 0x90 | count : size === 3 ? 0xdc : 0xdd;
  if (bytes[at] !== token || (size > 1 && numberAt(bytes, at + 1, size - 1) !== count))
    throw damaged("it has another number of entries");
  return at + size;
}

/** How many bytes the beginning of an array takes. */
const headerBytes = (count: number): number => (count < 16 ? 1 : count < 0x1_00_00 ? 3 : 5);

const TRIPLE = 0x93;

const damaged = (how: string) => corrupt("A block of entries", how);

/** Bytes of other blocks that are taken over as they are. */
interface Piece {
  readonly from: Uint8Array;
  readonly start: number;
  end: number;
}

/** Puts a block together of entries of others. */
export class BlockWriter {
  #keys: Piece[] = [];
  #values: Piece[] = [];
  /** Of each entry, the key's and the value's; some are left over from blocks before. */
  #keyLengths = new Uint32Array(256);
  #valueLengths = new Uint32Array(256);
  #count = 0;
  #isOwn = true;
  /** What the entries take. */
  size = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * Takes entries over, up to `to` (excluded), until they take so many bytes.
   *
   * @returns the first that was not taken
   */
  add(block: Block, from: number, to: number, limit: number): number {
    const { bytes, count, starts } = block;
    if (from >= to) return from;
    let next = from;
    for (; next < to && this.size < limit; next++) {
      const key = keyEnd(block, next) - starts[next]!;
      const value = starts[count + next + 1]! - starts[count + next]!;
      if (this.#count === this.#keyLengths.length) this.#makeRoom();
      this.#keyLengths[this.#count] = key;
      this.#valueLengths[this.#count++] = value;
      this.size += key + value;
    }
    this.#isOwn &&= block.isOwn;
    addPiece(this.#keys, bytes, starts[from]!, keyEnd(block, next - 1));
    addPiece(this.#values, bytes, starts[count + from]!, starts[count + next]!);
    return next;
  }

  /** The block, and an empty one is begun. */
  take(): Block {
    const count = this.#count;
    const lengths = lengthBytes(this.#keyLengths, this.#valueLengths, count);
    const width = lengths.length < 0x1_00 ? 1 : lengths.length < 0x1_00_00 ? 2 : 4;
    const header = headerBytes(count);
    const bytes = Buffer.allocUnsafeSlow(2 + width + lengths.length + 2 * header + this.size);
    bytes[0] = TRIPLE;
    bytes[1] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
    writeNumber(bytes, 2, width, lengths.length);
    bytes.set(lengths, 2 + width);
    const starts = new Uint32Array(2 * count + 1);
    let at = writeItems(bytes, 2 + width + lengths.length, count);
    copy(this.#keys, bytes, at);
    for (let i = 0; i < count; i++) {
      starts[i] = at;
      at += this.#keyLengths[i]!;
    }
    at = writeItems(bytes, at, count);
    copy(this.#values, bytes, at);
    for (let i = 0; i < count; i++) {
      starts[count + i] = at;
      at += this.#valueLengths[i]!;
    }
    starts[2 * count] = at;
    const block = { bytes, count, starts, isOwn: this.#isOwn };
    this.#isOwn = true;
    [this.#keys, this.#values, this.#count, this.size] = [[], [], 0, 0];
    return block;
  }

  #makeRoom(): void {
    const room = (lengths: Uint32Array) => {
      const more = new Uint32Array(2 * lengths.length);
      more.set(lengths);
      return more;
    };
    [this.#keyLengths, this.#valueLengths] = [room(this.#keyLengths), room(this.#valueLengths)];
  }
}

function lengthBytes(keys: Uint32Array, values: Uint32Array, count: number): Uint8Array {
  const bytes = new Uint8Array(2 * count * 5);
  let at = 0;
  for (const lengths of [keys, values]) {
    for (let i = 0; i < count; i++) {
      let length = lengths[i]!;
      for (; length >= 0x80; length >>>= 7) bytes[at++] = (length & 0x7f) | 0x80;
      bytes[at++] = length;
    }
  }
  return bytes.subarray(0, at);
}

function writeNumber(bytes: Uint8Array, at: number, width: number, number: number): void {
  for (let i = 0; i < width; i++) bytes[at + i] = (number >>> (8 * (width - 1 - i))) & 0xff;
}

/** The beginning of an array. @returns where its items begin */
function writeItems(bytes: Uint8Array, at: number, count: number): number {
  const size = headerBytes(count);
  bytes[at] = size === 1 ? 0x90 | count : size === 3 ? 0xdc : 0xdd;
  writeNumber(bytes, at + 1, size - 1, count);
  return at + size;
}

/** Neighbours are copied in one go. */
function addPiece(pieces: Piece[], from: Uint8Array, start: number, end: number): void {
  const last = pieces.at(-1);
  if (last?.from === from && last.end === start) last.end = end;
  else pieces.push({ from, start, end });
}

function copy(pieces: readonly Piece[], to: Uint8Array, at: number): void {
  for (const { from, start, end } of pieces) {
    if (end - start < 48) for (let i = start; i < end; i++) to[at++] = from[i]!;
    else {
      to.set(from.subarray(start, end), at);
      at += end - start;
    }
  }
}
