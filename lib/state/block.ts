import { packed, unpackedPart } from "./codec.ts";
import { checkBounds, MAX_VALUES } from "./bounds.ts";

/**
 * Entries as they are written: the MessagePack of [keys, values], and where each of them begins, so that one is read
 * without making the others.
 */
export interface Block {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Where the keys begin, then the values, and where the last one ends. */
  readonly starts: Uint32Array;
}

/** @throws Error saying what is not as it must be */
export function blockOf(bytes: Uint8Array, count: number): Block {
  const starts = new Uint32Array(2 * count + 1);
  checkBounds(bytes, MAX_VALUES, starts.subarray(0, 2 * count));
  starts[2 * count] = bytes.length;
  // Both arrays are as long as is said, or the second one would not begin where the keys end.
  const header = headerBytes(count);
  const isPair = bytes[0] === PAIR && hasHeader(bytes, 1, count);
  if (!isPair || (count > 0 && starts[0] !== 1 + header)) throw new Error("it is no pair of keys and values");
  for (let i = 0; i < count; i++) if (!isText(bytes[starts[i]!]!)) throw new Error("it has a key that is no text");
  if (count > 0 && !hasHeader(bytes, starts[count]! - header, count)) throw new Error("its values are not its keys'");
  return { bytes, count, starts };
}

/** What is just being written. */
export const packedBlock = (keys: readonly string[], values: readonly unknown[]): Block =>
  blockOf(packed([keys, values]), keys.length);

export const keyIn = ({ bytes, starts }: Block, i: number): string =>
  unpackedPart(bytes, starts[i]!, keyEnd(bytes, starts[i]!)) as string;

export const valueIn = ({ bytes, count, starts }: Block, i: number): unknown =>
  unpackedPart(bytes, starts[count + i]!, starts[count + i + 1]!);

/**
 * Where a key is among the entries `from` to `to` (excluded), which are in the order of their keys.
 *
 * @returns -1 when it is not there
 */
export function indexOf({ bytes, starts }: Block, from: number, to: number, key: string): number {
  let [low, high] = [from, to - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compare(bytes, starts[middle]!, key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** How a text that is written at `at` compares to another, in the order of UTF-16 units, as `<` has it. */
function compare(bytes: Uint8Array, at: number, text: string): number {
  const start = textStart(bytes, at);
  const end = keyEnd(bytes, at);
  const shared = Math.min(end - start, text.length);
  for (let i = 0; i < shared; i++) {
    const [byte, unit] = [bytes[start + i]!, text.charCodeAt(i)];
    if (byte >= 0x80 || unit >= 0x80) {
      const other = unpackedPart(bytes, at, end) as string;
      return other === text ? 0 : other < text ? -1 : 1;
    }
    if (byte !== unit) return byte - unit;
  }
  return end - start - text.length;
}

const PAIR = 0x92;

const isText = (token: number): boolean => (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);

/** Where a text's own bytes begin. */
const textStart = (bytes: Uint8Array, at: number): number =>
  bytes[at]! < 0xc0 ? at + 1 : at + 1 + (1 << (bytes[at]! - 0xd9));

/** Where a text ends. */
export function keyEnd(bytes: Uint8Array, at: number): number {
  const start = textStart(bytes, at);
  if (start === at + 1) return start + (bytes[at]! & 0x1f);
  let length = 0;
  for (let i = at + 1; i < start; i++) length = length * 256 + bytes[i]!;
  return start + length;
}

/** How many bytes the beginning of an array takes. */
export const headerBytes = (count: number): number => (count < 16 ? 1 : count < 0x1_00_00 ? 3 : 5);

function hasHeader(bytes: Uint8Array, at: number, count: number): boolean {
  const header = new Uint8Array(headerBytes(count));
  writeHeader(header, 0, count);
  return header.every((byte, i) => bytes[at + i] === byte);
}

/** Writes the beginning of an array. @returns where its items begin */
export function writeHeader(bytes: Uint8Array, at: number, count: number): number {
  const size = headerBytes(count);
  if (size === 1) bytes[at] = 0x90 | count;
  else {
    bytes[at] = size === 3 ? 0xdc : 0xdd;
    for (let i = 1; i < size; i++) bytes[at + i] = (count >>> (8 * (size - 1 - i))) & 0xff;
  }
  return at + size;
}

/** The beginning of a pair of keys and values. @returns where the keys' array begins */
export function writePair(bytes: Uint8Array): number {
  bytes[0] = PAIR;
  return 1;
}
