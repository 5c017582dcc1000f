/**
 * JSON objects of one producer look alike: the same names in the same order, with the same blanks between them. A layout is
 * what stays the same; the values stand between.
 *
 * The idea of parsing by what earlier texts looked like: D. Bonetta, M. Brantner, FAD.js: Fast JSON Data Access Using
 * JIT-based Speculative Optimizations, VLDB 2017.
 */
export interface Layout {
  readonly object: LayoutObject;
  /** The ASCII before each value and, last, after all of them. */
  readonly between: readonly string[];
  /** Which of the values were texts: they may be others the next time. */
  readonly areTexts: readonly boolean[];
}

/** An object's fields, as they come in the text: what a name stands for is the place of a value, or an object within. */
export type LayoutObject = readonly (readonly [name: string, of: number | LayoutObject])[];

/** Names that are put into code stand there as texts of visible ASCII; and an object has them for its own. */
const NAME = /^(?!__proto__$)[\x20-\x7e]{0,64}$/;

/** An object with more fields has no layout, those of objects within among them. */
const MOST_FIELDS = 64;

/** Nor has one with more between its values, all of which becomes code: as many names as there may be, and blanks as are usual. */
const MOST_BETWEEN = 8_192;

const OPEN = /\s*\{\s*/y;
const FIELD = /"([^"\\]*)"\s*:\s*/y;
const NEXT = /\s*,\s*/y;
const CLOSE = /\s*\}/y;
const END = /\s*$/y;
/** Texts with escapes are not read by a layout. (A choice in a repetition would exhaust the stack of regular expressions.) */
const VALUE = /"[^"\\]*"|[-+.\w]+/y;

/**
 * The layout of a text that is JSON; nothing where it is no object of plain values in ASCII and of such objects, or has names of
 * other kinds.
 */
export function layoutOf(json: string): Layout | undefined {
  const between: string[] = [];
  const areTexts: boolean[] = [];
  let at = 0;
  let fields = 0;
  let length = 0;
  /** What has come since the last value. */
  let passed = "";
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(json);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  const pass = (pattern: RegExp): RegExpExecArray | null => {
    const found = take(pattern);
    passed += found?.[0] ?? "";
    length += found?.[0].length ?? 0;
    return found;
  };
  const takeValue = (): number | undefined => {
    const value = take(VALUE);
    if (value === null) return undefined;
    between.push(passed);
    passed = "";
    return areTexts.push(value[0].startsWith('"')) - 1;
  };
  const takeObject = (): LayoutObject | undefined => {
    pass(OPEN);
    const object: (readonly [string, number | LayoutObject])[] = [];
    if (pass(CLOSE) !== null) return object;
    do {
      const name = pass(FIELD)?.[1];
      if (name === undefined || !NAME.test(name) || ++fields > MOST_FIELDS) return undefined;
      const of = json[at] === "{" ? takeObject() : takeValue();
      if (of === undefined) return undefined;
      object.push([name, of]);
    } while (pass(NEXT) !== null);
    return pass(CLOSE) === null ? undefined : object;
  };

  if (!/^[\x00-\x7f]*$/.test(json) || !/^\s*\{/.test(json)) return undefined;
  const object = takeObject();
  if (object === undefined || pass(END) === null || areTexts.length === 0 || length > MOST_BETWEEN) return undefined;
  return { object, between: [...between, passed], areTexts };
}
