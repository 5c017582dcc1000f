import { objectMaker, type ObjectMaker } from "../object-maker.ts";
import { poisonError } from "../errors.ts";
import { quoted } from "./quoted-text.ts";

/** What a key's fields may hold. */
export type KeyValue = string | number | bigint | boolean;

/** A key: its fields by name, in the order of their declaration. */
export interface KeyValues {
  readonly [field: string]: KeyValue;
}

/** Named functions that take a key out of a record: named, so that "the same key" can be decided. */
export interface KeySpec<T> {
  readonly [field: string]: (record: T) => KeyValue;
}

/** The key's row, as {@link KeySpec} declares it. */
export type KeyRow<K> = { readonly [P in keyof K]: K[P] extends (...args: never[]) => infer R ? R : never };

/**
 * The key's canonical text, which producers use as partition key: one field as it is (a number in its
 * shortest form), several as a JSON array of them.
 *
 * @example
 * partitionKeyOf({ origin: "ORD" }) === "ORD";
 * partitionKeyOf({ airline: "UA", flight: 17 }) === '["UA",17]';
 */
export function partitionKeyOf(key: KeyValues): string {
  const values = Object.values(key);
  if (values.length === 1) return textOf(values[0]!);
  return JSON.stringify(values.map((value) => (typeof value === "bigint" ? textOf(value) : value)));
}

const textOf = (value: KeyValue): string => (typeof value === "string" ? value : String(value));

/**
 * A key as one string that differs for different keys: state is addressed by it. Unlike the partition
 * key it tells the text "1" from the number 1.
 *
 * @throws poison error `key/value` for a field that is no key value, NaN and infinities included
 */
export function encodeKey(key: KeyValues): string {
  const fields = Object.keys(key);
  if (fields.length === 1) return encodeField(fields[0]!, key[fields[0]!]!);
  return encodeFields(fields, Object.values(key));
}

/** The code of a key of several fields, in their order: a JSON array of their codes. @throws poison error `key/value` */
export function encodeFields(fields: readonly string[], values: readonly KeyValue[]): string {
  let code = "[";
  for (let i = 0; i < fields.length; i++) {
    const text = quoted(encodeField(fields[i]!, values[i]!));
    code += i === 0 ? text : `,${text}`;
  }
  return `${code}]`;
}

/** The code of a key that is one field. @throws poison error `key/value` */
export function encodeField(field: string, value: KeyValue): string {
  switch (typeof value) {
    case "string":
      return `s${value}`;
    case "number":
      if (Number.isFinite(value)) return `n${value === 0 ? 0 : value}`;
      break;
    case "bigint":
      return `i${value}`;
    case "boolean":
      return value ? "t" : "f";
  }
  throw poisonError({
    code: "key/value",
    message: `The key's field "${field}" is ${value === null ? "null" : typeof value === "number" ? String(value) : `of type ${typeof value}`}.`,
    advice: "Key fields are strings, finite numbers, bigints or booleans.",
  });
}

const isValueCode = (code: string): boolean => {
  const kind = code[0];
  return kind === "s" || kind === "n" || kind === "i" || code === "t" || code === "f";
};

/** Makes a key of its code; undefined for a code that {@link encodeKey} makes of no key with these fields. */
export type KeyReader = (code: string) => KeyValues | undefined;

export function keyReader(fields: readonly string[]): KeyReader {
  const make = objectMaker(fields) as (values: readonly unknown[]) => KeyValues;
  if (fields.length === 1) return (code) => (isValueCode(code) ? make([decodeField(code)]) : undefined);
  return (code) => {
    if (!code.startsWith("[")) return undefined;
    const codes = codesIn(code);
    return codes.length === fields.length && codes.every(isValueCode) ? make(codes.map(decodeField)) : undefined;
  };
}

/** What JSON has to write differently. */
const ESCAPED = /[\\\x00-\x1f]/;

/** The codes of several fields. Most are in the text as they are. @throws SyntaxError for what is no JSON */
function codesIn(code: string): readonly string[] {
  if (!code.startsWith('["') || ESCAPED.test(code)) return JSON.parse(code) as readonly string[];
  const codes: string[] = [];
  for (let at = 2; ;) {
    const end = code.indexOf('"', at);
    codes.push(code.slice(at, end));
    if (end === code.length - 2 && code.endsWith("]")) return codes;
    if (!code.startsWith(',"', end + 1)) return JSON.parse(code) as readonly string[];
    at = end + 3;
  }
}

/** The key that {@link encodeKey} made `code` of. */
export function decodeKey(fields: readonly string[], code: string): KeyValues {
  if (fields.length === 1) return { [fields[0]!]: decodeField(code) };
  return makerOf(fields)(codesIn(code).map(decodeField)) as KeyValues;
}

/** Makes keys of several fields, by the list of these: there is one of each operator. */
const makers = new WeakMap<readonly string[], ObjectMaker>();

function makerOf(fields: readonly string[]): ObjectMaker {
  let maker = makers.get(fields);
  if (maker === undefined) makers.set(fields, (maker = objectMaker(fields)));
  return maker;
}

/** The value that {@link encodeField} made `code` of. */
export function decodeField(code: string): KeyValue {
  const text = code.slice(1);
  switch (code[0]) {
    case "s":
      return text;
    case "n":
      return Number(text);
    case "i":
      return BigInt(text);
    default:
      return code === "t";
  }
}
