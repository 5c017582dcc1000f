/** A number with more digits than a double holds, kept as its text. */
export class LongNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type RowsOfRecord =
  | { readonly ok: true; readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The JSON objects of one delivery record: one, or several one after the other (with or without white space
 * between), as format conversion takes them. An array is not valid, nor is anything else that is not an object.
 */
export function rowsOf(text: string): RowsOfRecord {
  const rows: Record<string, unknown>[] = [];
  for (const object of objectsOf(text)) {
    if (typeof object !== "string") return bad(object.reason);
    try {
      rows.push(parseObject(object));
    } catch (error) {
      return bad(error instanceof Error ? error.message : String(error));
    }
  }
  return { ok: true, rows };
}

/** The objects of one delivery record as they are written; the last is the reason where it does not go on. */
export function* objectsOf(text: string): Generator<string | { readonly reason: string }> {
  let at = skipSpace(text, 0);
  if (at === text.length) yield { reason: "the record is empty" };
  while (at < text.length) {
    if (text[at] !== "{") {
      yield { reason: `expected an object at character ${at}, found ${JSON.stringify(text[at])}` };
      return;
    }
    const end = endOfObject(text, at);
    if (end < 0) {
      yield { reason: `the object at character ${at} has no end` };
      return;
    }
    yield text.slice(at, end);
    at = skipSpace(text, end);
  }
}

function bad(reason: string): RowsOfRecord {
  return { ok: false, reason };
}

const quote = 0x22;
const backslash = 0x5c;
const open = 0x7b;
const close = 0x7d;

/** Index after the brace that closes the object at `start`, or −1. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === backslash) index += 1;
      else if (code === quote) inString = false;
    } else if (code === quote) inString = true;
    else if (code === open) depth += 1;
    else if (code === close) {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  return -1;
}

function skipSpace(text: string, start: number): number {
  let index = start;
  while (index < text.length && text.charCodeAt(index) <= 0x20) index += 1;
  return index;
}

/** An integer of more digits than a double surely holds, where a value may stand. */
const mayBeLong = /[:[,]\s*-?[0-9]{16,}(?![0-9.eE])/;

/** Whole strings and whole numbers, so that neither digits in a string nor a part of a number is taken for one. */
const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;

const longInteger = /^-?[0-9]{16,}$/;

/** Marks a long number's text on its way through JSON.parse; cannot be in a document, for it must be escaped there. */
const mark = "\u0000long:";

function parseObject(text: string): Record<string, unknown> {
  const parsed = JSON.parse(text) as Record<string, unknown>;
  if (!mayBeLong.test(text)) return parsed;
  const marked = text.replace(stringOrNumber, (token) =>
    longInteger.test(token) ? JSON.stringify(mark + token) : token,
  );
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? new LongNumber(value.slice(mark.length)) : value,
  ) as Record<string, unknown>;
}
