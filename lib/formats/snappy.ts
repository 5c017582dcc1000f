/** Why bytes are no snappy block. */
export class SnappyError extends Error {
  override readonly name = "SnappyError";
  readonly isTooLarge: boolean;

  constructor(message: string, isTooLarge = false) {
    super(message);
    this.isTooLarge = isTooLarge;
  }
}

/**
 * Decompresses a raw snappy block: google/snappy, format_description.txt.
 *
 * Our own, since the implementations in JavaScript that were looked at read lengths as signed numbers, and go round in circles
 * on hostile bytes. Here every step moves forward, and nothing is written beyond the length that the block states.
 *
 * @param most bytes that it may state
 * @throws SnappyError
 */
export function uncompressSnappy(bytes: Uint8Array, most: number): Buffer {
  const [length, start] = lengthOf(bytes);
  if (length > most) throw new SnappyError("It states more bytes than are allowed.", true);
  const out = Buffer.alloc(length);
  let to = 0;
  for (let at = start; at < bytes.length;) {
    const tag = bytes[at++]!;
    const kind = tag & 0x3;
    if (kind === 0) {
      const extra = Math.max((tag >>> 2) - 59, 0); // bytes that the length takes, where the tag has no room for it
      const size = (extra === 0 ? tag >>> 2 : numberAt(bytes, at, extra)) + 1;
      at += extra;
      if (size > bytes.length - at || size > length - to) throw new SnappyError("A literal is longer than the block.");
      out.set(bytes.subarray(at, at + size), to);
      at += size;
      to += size;
      continue;
    }
    const size = kind === 1 ? ((tag >>> 2) & 0x7) + 4 : (tag >>> 2) + 1;
    const extra = kind === 3 ? 4 : kind;
    const distance = numberAt(bytes, at, extra) + (kind === 1 ? (tag >>> 5) * 256 : 0);
    at += extra;
    if (distance === 0 || distance > to || size > length - to) throw new SnappyError("A copy is of what is not there.");
    // Byte by byte: a copy may go on into what it has written itself.
    for (const end = to + size; to < end; to++) out[to] = out[to - distance]!;
  }
  if (to !== length) throw new SnappyError("It ends before the length that it states.");
  return out;
}

/** @returns the length in front, and where the rest begins */
function lengthOf(bytes: Uint8Array): readonly [number, number] {
  let length = 0;
  for (let i = 0; i < 5 && i < bytes.length; i++) {
    length += (bytes[i]! & 0x7f) * 2 ** (7 * i);
    if (bytes[i]! < 0x80) return [length, i + 1];
  }
  throw new SnappyError("It does not begin with its length.");
}

/** A little-endian number, never negative. */
function numberAt(bytes: Uint8Array, at: number, size: number): number {
  if (size > bytes.length - at) throw new SnappyError("It ends in the middle.");
  let number = 0;
  for (let i = 0; i < size; i++) number += bytes[at + i]! * 256 ** i;
  return number;
}
