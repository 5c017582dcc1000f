import { quoted } from "./quoted-text.ts";

/**
 * What values have in common but for their numbers and texts: fields' names, lists' lengths. The text of a value that has a form
 * is the form's pieces with the texts of these between them, as `encodeValue` writes it.
 */
export interface ValueForm {
  readonly kind: typeof PLAIN | typeof BIG | typeof FIELDS | typeof ITEMS | typeof LIST;
  /** An object's, in their order. */
  readonly names: readonly string[];
  /** Of each field or item; of a list, which has one text for all, none. */
  readonly parts: readonly ValueForm[];
}

/** A text, a number, true, false or null. */
const PLAIN = 0;
const BIG = 1;
const FIELDS = 2;
/** As many items as the first value had, each a part. */
const ITEMS = 3;
/** Any number of texts, numbers and the like, where the first value had one or none: so are accumulators of what few records have. */
const LIST = 4;

const plain: ValueForm = { kind: PLAIN, names: [], parts: [] };
const big: ValueForm = { kind: BIG, names: [], parts: [] };
const list: ValueForm = { kind: LIST, names: [], parts: [] };

/** What is more than this has no form: nothing is gained by looking at it part by part. */
const MOST_TEXTS = 48;
const MOST_DEPTH = 8;

/** The form of a value that can be stored; undefined for one that is too large or holds what JSON has no place for but bigints. */
export function formOf(value: unknown): ValueForm | undefined {
  const form = partOf(value, 0);
  return form === undefined || textsIn(form) > MOST_TEXTS ? undefined : form;
}

function partOf(value: unknown, depth: number): ValueForm | undefined {
  if (typeof value === "bigint") return big;
  if (plainText(value) !== undefined) return plain;
  if (typeof value !== "object" || depth > MOST_DEPTH) return undefined;
  if (Array.isArray(value)) {
    if (value.length > MOST_TEXTS) return undefined;
    if (value.length < 2 && listText(value) !== undefined) return list;
    const parts = Array.from(value, (item) => partOf(item, depth + 1));
    return parts.every((part) => part !== undefined) ? { kind: ITEMS, names: [], parts } : undefined;
  }
  if (!isPlainObject(value as object)) return undefined;
  const names = Object.keys(value as object);
  // One whose only field is like a tag is wrapped by who writes it.
  if (names.length > MOST_TEXTS || (names.length === 1 && names[0]!.startsWith("$"))) return undefined;
  if (names.includes("__proto__") || !names.every((name) => name.isWellFormed())) return undefined;
  const parts = names.map((name) => partOf((value as Readonly<Record<string, unknown>>)[name], depth + 1));
  return parts.every((part) => part !== undefined) ? { kind: FIELDS, names, parts } : undefined;
}

/** How many texts stand between a form's pieces. */
const textsIn = ({ kind, parts }: ValueForm): number =>
  kind === PLAIN || kind === BIG || kind === LIST ? 1 : parts.reduce((sum, part) => sum + textsIn(part), 0);

/** What stands before, between and after the texts: one more than these. */
export function piecesOf(form: ValueForm): readonly string[] {
  const pieces = [""];
  addPieces(form, pieces);
  return pieces;
}

function addPieces({ kind, names, parts }: ValueForm, pieces: string[]): void {
  const add = (text: string) => (pieces[pieces.length - 1] += text);
  if (kind === PLAIN) {
    pieces.push("");
    return;
  }
  if (kind === BIG) {
    add('{"$i":"');
    pieces.push('"}');
    return;
  }
  add(kind === FIELDS ? "{" : "[");
  if (kind === LIST) pieces.push("");
  parts.forEach((part, i) => {
    add(`${i === 0 ? "" : ","}${kind === FIELDS ? `${JSON.stringify(names[i])}:` : ""}`);
    addPieces(part, pieces);
  });
  add(kind === FIELDS ? "}" : "]");
}

/**
 * Puts the texts of a value into a list, from a place on.
 *
 * @returns the place after the last; -1 when the value has not the form: then what was put means nothing
 */
export function putTexts({ kind, names, parts }: ValueForm, value: unknown, texts: string[], place: number): number {
  if (kind === PLAIN) {
    const text = plainText(value);
    if (text === undefined) return -1;
    texts[place] = text;
    return place + 1;
  }
  if (kind === BIG) {
    if (!isBig(value)) return -1;
    texts[place] = String(value);
    return place + 1;
  }
  if (typeof value !== "object" || value === null) return -1;
  if (kind === LIST) {
    const text = Array.isArray(value) ? listText(value) : undefined;
    if (text === undefined) return -1;
    texts[place] = text;
    return place + 1;
  }
  let at = place;
  if (kind === ITEMS) {
    if (!Array.isArray(value) || value.length !== parts.length) return -1;
    for (let i = 0; i < parts.length && at >= 0; i++) at = putTexts(parts[i]!, value[i], texts, at);
    return at;
  }
  if (!isPlainObject(value)) return -1;
  let field = 0;
  for (const name in value) {
    if (names[field] !== name) return -1;
    at = putTexts(parts[field++]!, (value as Readonly<Record<string, unknown>>)[name], texts, at);
    if (at < 0) return -1;
  }
  return field === names.length ? at : -1;
}

const isBig = (value: unknown): value is bigint => typeof value === "bigint" && BigInt.asIntN(64, value) === value;

/** Of more items than these a list's text is better made as a whole. */
const MOST_ITEMS = 8;

/** What stands between a list's brackets, where its items are few and no objects. */
function listText(items: readonly unknown[]): string | undefined {
  if (items.length > MOST_ITEMS) return undefined;
  let texts = "";
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    const text = isBig(item) ? `{"$i":"${item}"}` : plainText(item);
    if (text === undefined) return undefined;
    texts = i === 0 ? text : `${texts},${text}`;
  }
  return texts;
}

/** The JSON of what is neither an object nor a bigint, where it has one. */
function plainText(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? String(value) : undefined; // "0" for −0, which is stored as 0
    case "string":
      return value.isWellFormed() ? quoted(value) : undefined;
    case "boolean":
      return value ? "true" : "false";
    default:
      return value === null ? "null" : undefined;
  }
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || (prototype === null && !Array.isArray(value));
}
