/**
 * JSON objects of one producer look alike: the same names in the same order, with the same blanks between them. A layout is
 * what stays the same; the values stand between.
 *
 * The idea of parsing by what earlier texts looked like: D. Bonetta, M. Brantner, FAD.js: Fast JSON Data Access Using
 * JIT-based Speculative Optimizations, VLDB 2017.
 */
export interface Layout {
  readonly names: readonly string[];
  /** The ASCII before each value and, last, after all of them. */
  readonly between: readonly string[];
  /** Which of the values were texts: they may be others the next time. */
  readonly areTexts: readonly boolean[];
}

/** Names that are put into code stand there as texts of visible ASCII; and an object has them for its own. */
const NAME = /^(?!__proto__$)[\x20-\x7e]{0,64}$/;

/** An object with more fields has no layout. */
const MOST_FIELDS = 64;

const HEAD = /\s*\{\s*"([^"\\]*)"\s*:\s*/y;
const NEXT = /\s*,\s*"([^"\\]*)"\s*:\s*/y;
/** Texts with escapes are not read by a layout. (A choice in a repetition would exhaust the stack of regular expressions.) */
const VALUE = /"[^"\\]*"|[-+.\w]+/y;
const TAIL = /\s*\}\s*$/y;

/** The layout of a text that is JSON; nothing where it is no object of plain values in ASCII, or has names of other kinds. */
export function layoutOf(json: string): Layout | undefined {
  const names: string[] = [];
  const between: string[] = [];
  const areTexts: boolean[] = [];
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
    const value = take(VALUE);
    if (value === null) return undefined;
    areTexts.push(value[0].startsWith('"'));
  }
  const tail = take(TAIL);
  if (tail === null || names.length === 0 || names.length > MOST_FIELDS) return undefined;
  return names.every((name) => NAME.test(name)) ? { names, between: [...between, tail[0]], areTexts } : undefined;
}
