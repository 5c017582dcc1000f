/** Texts as MessagePack has them, where they are compared and measured without being made. */

/** Where a text's own bytes begin. */
export const textStart = (bytes: Uint8Array, at: number): number =>
  bytes[at]! < 0xd9 ? at + 1 : at + 1 + (1 << (bytes[at]! - 0xd9));

/** Where a text ends; -1 for what is no text. It may say that it ends beyond the bytes. */
export function textEnd(bytes: Uint8Array, at: number): number {
  const token = bytes[at] ?? 0xc1;
  if (token >= 0xa0 && token < 0xc0) return at + 1 + (token & 0x1f);
  if (token < 0xd9 || token > 0xdb) return -1;
  const start = textStart(bytes, at);
  return start + numberAt(bytes, at + 1, start - at - 1);
}

/**
 * How a text compares to another, in the order of UTF-16 units, as `<` has it.
 *
 * @param end of the one in the bytes
 * @param made makes it, where its bytes alone do not say
 */
export function compareText(
  bytes: Uint8Array,
  at: number,
  end: number,
  text: string,
  made: (bytes: Uint8Array, at: number, end: number) => string,
): number {
  const start = textStart(bytes, at);
  const shared = Math.min(end - start, text.length);
  for (let n = 0; n < shared; n++) {
    const byte = bytes[start + n]!;
    const unit = text.charCodeAt(n);
    if (byte >= 0x80 || unit >= 0x80) {
      const one = made(bytes, at, end);
      return one === text ? 0 : one < text ? -1 : 1;
    }
    if (byte !== unit) return byte - unit;
  }
  return end - start - text.length;
}

/** A number of some bytes, the most significant first; not a number where they end before it. */
export function numberAt(bytes: Uint8Array, at: number, width: number): number {
  let number = 0;
  for (let i = 0; i < width; i++) number = number * 256 + bytes[at + i]!;
  return number;
}
