import { LONGEST_KEPT, type Texts } from "./texts.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/** Digits of a whole number that a double always holds exactly. */
const EXACT_DIGITS = 15;

/** Digits of a whole number of 32 bits. */
const INTEGER_DIGITS = 9;

/** Powers of ten that a double holds exactly: a quotient of two exact numbers is rounded once, as JSON.parse has it. */
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i);

const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
].map(([text, value]) => ({ bytes: new TextEncoder().encode(String(text)), value }));

/** Reads plain values of JSON out of bytes, one after the other. */
export class ValueReader {
  readonly #texts: Texts;
  /** Where the value that was read last ends; negative when it was none that is read here. */
  at = 0;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  /**
   * The value at a place. Some want more care and are not read: escapes, what is not ASCII, long numbers, objects and lists.
   * What follows is not looked at: of a number with an exponent that is the exponent.
   *
   * @param end where the text ends
   */
  value(bytes: Buffer, from: number, end: number): unknown {
    if (from >= end) return void (this.at = -1);
    const first = bytes[from]!;
    if (first === QUOTE) return this.text(bytes, from, end);
    if (first === MINUS || (first >= ZERO && first <= ZERO + 9)) return this.number(bytes, from, end);
    const literal = LITERALS.find((one) => one.bytes[0] === first);
    const isThere = literal?.bytes.every((byte, i) => from + i < end && bytes[from + i] === byte) === true;
    this.at = isThere ? from + literal.bytes.length : -1;
    return literal?.value;
  }

  /** The text whose quote is at a place. */
  text(bytes: Buffer, from: number, end: number): string | undefined {
    let hash = 0;
    let at = from + 1;
    const short = Math.min(end, at + LONGEST_KEPT + 1);
    for (; at < short; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) break;
      if (ENDS[byte] !== 0) return void (this.at = -1);
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (at === short) at = endOfText(bytes, at, end); // a long one is not looked for by its hash
    if (at >= end || bytes[at] !== QUOTE) return void (this.at = -1);
    this.at = at + 1;
    return this.#texts.of(bytes, from + 1, at, hash);
  }

  /** The number that begins at a place. */
  number(bytes: Buffer, from: number, end: number): number {
    const isNegative = bytes[from] === MINUS;
    const start = isNegative ? from + 1 : from;
    let at = start;
    let digit: number;
    let value = 0;
    // So many fit into an integer, whose arithmetic takes a fraction of a double's.
    const most = Math.min(end, start + INTEGER_DIGITS);
    for (; at < most && (digit = bytes[at]! - ZERO) >= 0 && digit <= 9; at++) value = (value * 10 + digit) | 0;
    if (at === most && at < end) {
      let rest = 0;
      const last = Math.min(end, at + INTEGER_DIGITS);
      for (; at < last && (digit = bytes[at]! - ZERO) >= 0 && digit <= 9; at++) rest = (rest * 10 + digit) | 0;
      if (at > most) value = value * POWERS[at - most]! + rest;
    }
    let digits = at - start;
    // 01 and -.1 are no JSON.
    let isNumber = digits === 1 || (digits > 1 && bytes[start] !== ZERO);
    if (at < end && bytes[at] === POINT) {
      const point = at++;
      for (; at < end && (digit = bytes[at]! - ZERO) >= 0 && digit <= 9; at++) value = value * 10 + digit;
      const decimals = at - point - 1;
      if (decimals === 0) isNumber = false; // nor is 1.
      digits += decimals;
      if (digits <= EXACT_DIGITS) value /= POWERS[decimals]!;
    }
    this.at = isNumber && digits <= EXACT_DIGITS ? at : -1;
    return isNegative ? -value : value;
  }
}

/** By byte whether it stands for itself in a text: 0, or else 1. Others end it, begin an escape, or are not ASCII. */
const ENDS = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x20 || byte >= 0x80 || byte === QUOTE || byte === BACKSLASH),
);

/** Where the bytes end that stand for themselves. */
function endOfText(bytes: Buffer, from: number, end: number): number {
  let at = from;
  for (; at + 4 <= end; at += 4)
    if ((ENDS[bytes[at]!]! | ENDS[bytes[at + 1]!]! | ENDS[bytes[at + 2]!]! | ENDS[bytes[at + 3]!]!) !== 0) break;
  while (at < end && ENDS[bytes[at]!] === 0) at++;
  return at;
}
