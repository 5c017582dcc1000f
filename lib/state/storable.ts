import { poisonError } from "../errors.ts";

const MOST_BIGINT = 2n ** 63n - 1n;

/**
 * A copy of a value that can be stored and comes back as it was: null, booleans, strings, finite numbers,
 * bigints of 64 bits, Dates, byte arrays, undefined, and arrays and plain objects of these. −0 becomes 0, and a hole in an
 * array undefined: neither would survive being stored as it is.
 *
 * @param holder names what the value is of, in the error: `An accumulator of a custom aggregate`
 * @throws poison error `state/not-storable` naming what cannot be
 */
export function storableCopy(value: unknown, holder: string): unknown {
  return copyOf(value, 0, holder);
}

/**
 * Whether JSON has a place for all of a value that can be stored, so that its text is the copy's: most have nothing else in
 * them, and need no copy for it. What cannot be stored is none, and neither is an object of one field whose name begins
 * with `$`.
 */
export function isJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "number":
      return Number.isFinite(value);
    case "boolean":
      return true;
    case "object":
      return value === null || (depth <= MAX_DEPTH && isJsonObject(value, depth + 1));
    default:
      return false;
  }
}

function isJsonObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isJson(value[i], depth)) return false;
    return !("toJSON" in value);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  let fields = 0;
  let isTag = false;
  for (const name in value) {
    fields++;
    isTag ||= name.startsWith("$");
    if (!isKey(name) || !isJson((value as Readonly<Record<string, unknown>>)[name], depth)) return false;
  }
  return (!isTag || fields > 1) && !("toJSON" in value);
}

/** Whether {@link storableCopy} of a value is as a copy that it made before. Not certain of what is not plain data: no. */
export function isCopyOf(value: unknown, copy: unknown): boolean {
  if (typeof value !== "object" || value === null) return Object.is(value, copy);
  if (typeof copy !== "object" || copy === null || Object.getPrototypeOf(value) !== Object.getPrototypeOf(copy))
    return false;
  if (Array.isArray(value)) {
    const others = copy as readonly unknown[];
    if (value.length !== others.length || Reflect.ownKeys(value).length !== others.length + 1) return false; // with its length
    return others.every((other, i) => isCopyOf(value[i], other));
  }
  if (Object.getPrototypeOf(copy) !== Object.prototype) return false;
  const names = Object.keys(copy);
  const own = Reflect.ownKeys(value);
  return (
    names.length === own.length &&
    names.every((name, i) => name === own[i] && isCopyOf((value as Fields)[name], (copy as Fields)[name]))
  );
}

type Fields = Readonly<Record<string, unknown>>;

function copyOf(value: unknown, depth: number, holder: string): unknown {
  switch (typeof value) {
    case "string":
      // UTF-8 has no place for half a character: it would come back as another text.
      if (value.isWellFormed()) return value;
      throw notStorable(holder, "a text with half a surrogate pair");
    case "boolean":
    case "undefined":
      return value;
    case "number":
      if (Number.isFinite(value)) return value + 0; // not −0
      throw notStorable(holder, String(value));
    case "bigint":
      if (value <= MOST_BIGINT && value >= -MOST_BIGINT - 1n) return value;
      throw notStorable(holder, "a bigint of more than 64 bits");
    case "object":
      return value === null ? null : copyOfObject(value, depth, holder);
    default:
      throw notStorable(holder, `a ${typeof value}`);
  }
}

/** Deeper than this it is a cycle, or as good as one. */
const MAX_DEPTH = 64;

function copyOfObject(value: object, depth: number, holder: string): unknown {
  if (depth > MAX_DEPTH) throw notStorable(holder, `nesting deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return Array.from(value, (item) => copyOf(item, depth + 1, holder));
  if (value instanceof Date) {
    // The codec writes one, and refuses to read it: the task's state would be damaged.
    if (Number.isNaN(value.getTime())) throw notStorable(holder, "an invalid Date");
    return new Date(value);
  }
  if (value instanceof Uint8Array) return new Uint8Array(value); // not a Buffer, which may share another's memory
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notStorable(holder, `a ${value.constructor.name}`);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (!isKey(key)) throw notStorable(holder, `a key ${JSON.stringify(key)}`);
    copy[key] = copyOf((value as Readonly<Record<string, unknown>>)[key], depth + 1, holder);
  }
  return copy;
}

/** Decoders rename a key `__proto__`, so it would come back as another. */
const isKey = (key: string): boolean => key !== "__proto__" && key.isWellFormed();

const notStorable = (holder: string, what: string) =>
  poisonError({
    code: "state/not-storable",
    message: `${holder} contains ${what}, which cannot be stored.`,
    advice:
      "Keep plain objects, arrays, strings, finite numbers, bigints of 64 bits, booleans, null, Dates and byte arrays.",
  });
