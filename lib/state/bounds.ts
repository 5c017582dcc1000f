import { numberAt, textEnd, textStart } from "./packed-text.ts";

/** State nests no deeper: accumulators nest at most 64 deep (`storableCopy`), and tables put a few levels around them. */
export const MAX_DEPTH = 96;

/** No body has more values than this, keys included: they would take gigabytes of memory. */
export const MAX_VALUES = 16 * 1024 * 1024;

const PROTO = "__proto__";

/** What tokens of no child, no length and no more than a fixed number of bytes after them have there; -1 for all others. */
const FOLLOWING = new Int8Array(256).fill(-1);
FOLLOWING.fill(0, 0, 0x80); // small integers
FOLLOWING.fill(0, 0xe0);
for (let length = 0; length < 0x20; length++) FOLLOWING[0xa0 | length] = length; // short texts
for (const token of [0xc0, 0xc2, 0xc3]) FOLLOWING[token] = 0; // null, false, true
for (const token of [0xcc, 0xd0]) FOLLOWING[token] = 1; // numbers
for (const token of [0xcd, 0xd1]) FOLLOWING[token] = 2;
for (const token of [0xca, 0xce, 0xd2]) FOLLOWING[token] = 4;
for (const token of [0xcb, 0xcf, 0xd3]) FOLLOWING[token] = 8;

/**
 * Whether a part of some bytes is a value that {@link checkBounds} lets pass and that consists of numbers, short texts and
 * short arrays: most entries are, and there are many.
 */
export function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_DEPTH) return false; // what is shorter nests no deeper
  let at = start;
  for (let left = 1; left > 0; left--) {
    if (at >= end) return false;
    const token = bytes[at++]!;
    const following = FOLLOWING[token]!;
    if (following >= 0) at += following;
    else if (token >= 0x90 && token < 0xa0) left += token & 0x0f;
    else return false;
  }
  return at === end;
}

/**
 * Walks msgpack bytes without making anything of them, so that whatever they say cannot take the process down:
 * nesting that exhausts the stack, lengths that exhaust memory, keys that would be taken for a prototype, extensions
 * that are no data. What passes is what {@link encodeBody} writes: null, undefined, booleans, numbers, bigints,
 * strings, byte arrays, Dates, arrays and objects.
 *
 * @param starts is filled with where the items of the arrays in the outermost array begin, which are to be as many
 * @throws Error saying what is out of bounds
 */
export function checkBounds(bytes: Uint8Array, maxValues = MAX_VALUES, starts?: Uint32Array): void {
  /** Per level, how many values are still to come, and whether it is an object: then every other one is a key. */
  const left = new Float64Array(MAX_DEPTH + 1);
  const isObject = new Uint8Array(MAX_DEPTH + 1);
  left[0] = 1;
  let depth = 0;
  let at = 0;
  let values = 0;
  let started = 0;

  for (;;) {
    while (left[depth] === 0) if (--depth < 0) break;
    if (depth < 0) break;
    const isKey = isObject[depth] === 1 && left[depth]! % 2 === 0;
    left[depth]!--;
    if (++values > maxValues) throw new Error(`it has more than ${maxValues} values`);
    if (depth === 2 && starts !== undefined) {
      if (started === starts.length) throw new Error("it has more entries than it should");
      starts[started++] = at;
    }
    const token = at < bytes.length ? bytes[at++]! : 0xc1;
    if (isKey) checkKey(bytes, at - 1);
    const following = FOLLOWING[token]!;
    if (following >= 0) {
      at += following;
      if (at > bytes.length) throw new Error("it ends too early");
      continue;
    }
    const isObjects = (token >= 0x80 && token < 0x90) || token === 0xde || token === 0xdf;
    if (!isObjects && !((token >= 0x90 && token < 0xa0) || token === 0xdc || token === 0xdd)) {
      at = endOfLong(bytes, token, at);
      continue;
    }
    const width = token < 0xa0 ? 0 : token % 2 === 0 ? 2 : 4;
    const count = width === 0 ? token & 0x0f : numberIn(bytes, at, width);
    at += width;
    if (count > bytes.length - at) throw new Error("it declares more than it holds");
    if (++depth > MAX_DEPTH) throw new Error(`it nests deeper than ${MAX_DEPTH}`);
    left[depth] = isObjects ? 2 * count : count;
    isObject[depth] = Number(isObjects);
  }
  if (at !== bytes.length) throw new Error("it does not end where its value does");
  if (starts !== undefined && started < starts.length) throw new Error("it has fewer entries than it should");
}

/** Where a value of some length, or of a kind that is rare, ends. */
function endOfLong(bytes: Uint8Array, token: number, at: number): number {
  let end: number;
  switch (token) {
    case 0xc4: // bytes, texts
    case 0xd9:
      end = at + 1 + numberIn(bytes, at, 1);
      break;
    case 0xc5:
    case 0xda:
      end = at + 2 + numberIn(bytes, at, 2);
      break;
    case 0xc6:
    case 0xdb:
      end = at + 4 + numberIn(bytes, at, 4);
      break;
    case 0xd4: // undefined
      if (numberIn(bytes, at, 2) !== 0) throw new Error("it has an extension that is no data");
      end = at + 2;
      break;
    case 0xd6: // Dates
    case 0xd7:
      if (numberIn(bytes, at, 1) !== 0xff) throw new Error("it has an extension that is no data");
      end = at + (token === 0xd6 ? 5 : 9);
      break;
    case 0xc7:
      if (numberIn(bytes, at, 2) !== 0x0cff) throw new Error("it has an extension that is no data");
      end = at + 14;
      break;
    default:
      throw new Error(`it has a value of no known kind (0x${token.toString(16)})`);
  }
  if (end > bytes.length) throw new Error("it ends too early");
  return end;
}

function numberIn(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) throw new Error("it ends too early");
  return numberAt(bytes, at, width);
}

function checkKey(bytes: Uint8Array, at: number): void {
  const end = textEnd(bytes, at);
  if (end < 0) throw new Error("it has a key that is no text");
  const start = end - PROTO.length;
  for (let i = 0; i < PROTO.length; i++) if (bytes[start + i] !== PROTO.charCodeAt(i)) return;
  if (textStart(bytes, at) === start) throw new Error(`it has a key "${PROTO}"`);
}
