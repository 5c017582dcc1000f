import { objectMaker, type ObjectMaker } from "../object-maker.ts";

/**
 * JSON objects of one producer look alike: the same names in the same order, with the same blanks between them. A layout is
 * what stays the same, and the values are read out of the bytes between.
 *
 * The idea of parsing by what earlier texts looked like: D. Bonetta, M. Brantner, FAD.js: Fast JSON Data Access Using
 * JIT-based Speculative Optimizations, VLDB 2017.
 */
export interface Layout {
  readonly names: readonly string[];
  /** The bytes before each value and, last, after all of them. */
  readonly between: readonly Uint8Array[];
  readonly make: ObjectMaker;
  /** What {@link readLayout} has read; used again for every text. */
  readonly values: unknown[];
}

const HEAD = /\s*\{\s*"([^"\\]*)"\s*:\s*/y;
const NEXT = /\s*,\s*"([^"\\]*)"\s*:\s*/y;
/** Texts with escapes are not read by a layout. (A choice in a repetition would exhaust the stack of regular expressions.) */
const VALUE = /"[^"\\]*"|[-+.\w]+/y;
const TAIL = /\s*\}\s*$/y;

/** The layout of a text that is JSON; nothing where it is no object of plain values in ASCII. */
export function layoutOf(json: string): Layout | undefined {
  const names: string[] = [];
  const between: string[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(json);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };

  if (!/^[\x00-\x7f]*$/.test(json)) return undefined;
  for (let found = take(HEAD); found !== null; found = take(NEXT)) {
    between.push(found[0]);
    names.push(found[1]!);
    if (take(VALUE) === null) return undefined;
  }
  const tail = take(TAIL);
  if (tail === null || names.length === 0 || names.includes("__proto__")) return undefined;
  return {
    names,
    between: [...between, tail[0]].map((text) => new TextEncoder().encode(text)),
    make: objectMaker(names),
    values: new Array<unknown>(names.length),
  };
}

/** What {@link readLayout} gives for bytes that it does not read. */
export const OTHER_LAYOUT = Symbol("other layout");

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Digits of a whole number that a double always holds exactly. */
const EXACT_DIGITS = 15;

/** Powers of ten that a double holds exactly: a quotient of two exact numbers is rounded once, as JSON.parse has it. */
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i);

const LITERALS = [
  ["true", true],
  ["false", false],
  ["null", null],
].map(([text, value]) => ({ bytes: new TextEncoder().encode(String(text)), value }));

/** Texts that come again and again, each made once. Bounded: a text that falls where another one was takes its place. */
export class Texts {
  readonly #texts = new Array<string>(TEXTS).fill("");
  readonly #hashes = new Int32Array(TEXTS);

  /** The text of ASCII bytes. @param hash of them */
  of(bytes: Buffer, from: number, to: number, hash: number): string {
    const length = to - from;
    if (length > LONGEST_KEPT) return bytes.toString("latin1", from, to);
    const slot = (hash ^ (hash >>> 12)) & (TEXTS - 1);
    const known = this.#texts[slot]!;
    if (this.#hashes[slot] === hash && known.length === length && isText(bytes, from, known)) return known;
    const text = bytes.toString("latin1", from, to);
    this.#texts[slot] = text;
    this.#hashes[slot] = hash;
    return text;
  }
}

const TEXTS = 4_096;
/** Longer ones are rarely the same. */
const LONGEST_KEPT = 24;

function isText(bytes: Buffer, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * The object that the first bytes of a buffer are, as JSON.parse has it.
 *
 * @param end how many bytes
 * @returns {@link OTHER_LAYOUT} for bytes of another layout, which need not be JSON, and for values that want more care:
 *   escapes, what is not ASCII, exponents, long numbers, objects and lists
 */
export function readLayout(layout: Layout, texts: Texts, bytes: Buffer, end: number): unknown {
  const { between, values } = layout;
  let at = 0;
  for (let field = 0; field < values.length; field++) {
    at = passed(bytes, at, end, between[field]!);
    if (at < 0) return OTHER_LAYOUT;
    const first = bytes[at]!;
    if (first === QUOTE) {
      const from = ++at;
      let hash = 0;
      for (let byte; at < end && (byte = bytes[at]!) !== QUOTE; at++) {
        if (byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return OTHER_LAYOUT;
        hash = (Math.imul(hash, 31) + byte) | 0;
      }
      if (at >= end) return OTHER_LAYOUT;
      values[field] = texts.of(bytes, from, at++, hash);
    } else if (first === MINUS || (first >= ZERO && first <= NINE)) {
      const start = first === MINUS ? at + 1 : at;
      let digits = 0;
      let point = -1;
      for (at = start; at < end; at++) {
        const byte = bytes[at]!;
        if (byte >= ZERO && byte <= NINE) digits = digits * 10 + (byte - ZERO);
        else if (byte === POINT && point < 0) point = at;
        else break; // an exponent is no part of the layout
      }
      const whole = (point < 0 ? at : point) - start;
      const fraction = point < 0 ? 0 : at - point - 1;
      // 01, 1. and -.1 are no JSON.
      const isNumber = whole > 0 && (whole === 1 || bytes[start] !== ZERO) && (point < 0 || fraction > 0);
      if (!isNumber || whole + fraction > EXACT_DIGITS) return OTHER_LAYOUT;
      const value = point < 0 ? digits : digits / POWERS[fraction]!;
      values[field] = first === MINUS ? -value : value;
    } else {
      const literal = LITERALS.find((one) => one.bytes[0] === first);
      at = literal === undefined ? -1 : passed(bytes, at, end, literal.bytes);
      if (at < 0) return OTHER_LAYOUT;
      values[field] = literal!.value;
    }
  }
  return passed(bytes, at, end, between[values.length]!) === end ? layout.make(values) : OTHER_LAYOUT;
}

/** Where certain bytes end that must stand at a place; negative when others do. */
function passed(bytes: Buffer, at: number, end: number, expected: Uint8Array): number {
  if (at + expected.length > end) return -1;
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return -1;
  return at + expected.length;
}
