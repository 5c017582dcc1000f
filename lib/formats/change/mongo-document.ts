import { JsonError, parseJson } from "../json.ts";
import { isObject, unreadable } from "./row-schema.ts";

/**
 * A document that Debezium wrote as a text of MongoDB's Extended JSON, as plain values.
 *
 * @param field of the event, for messages
 * @throws Unreadable
 */
export function mongoDocument(
  text: unknown,
  field: string,
): { readonly row: unknown; readonly unavailable: readonly [] } {
  if (text === null || text === undefined) return { row: text, unavailable: [] };
  if (typeof text !== "string") throw unreadable("The document is no text.", field);
  try {
    return { row: plain(parseJson(Buffer.from(text))), unavailable: [] };
  } catch (thrown) {
    if (thrown instanceof JsonError) throw unreadable(`The document cannot be read: ${thrown.message}`, field);
    throw thrown;
  }
}

/** What Extended JSON (version 2) wraps: an `ObjectId`, numbers by their type, and dates. Others stay as they are. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  if (entries.length === 1) {
    const [type, inner] = entries[0]!;
    if ((type === "$oid" || type === "$numberDecimal") && typeof inner === "string") return inner;
    if ((type === "$numberInt" || type === "$numberDouble") && typeof inner === "string") return Number(inner);
    if (type === "$numberLong" && typeof inner === "string" && /^-?\d{1,19}$/.test(inner)) return longOf(inner);
    if (type === "$date") {
      const date = plain(inner);
      const time = typeof date === "string" ? Date.parse(date) : date;
      if (typeof time === "number" && Number.isFinite(time)) return time;
    }
  }
  return Object.fromEntries(entries.map(([name, inner]) => [name, plain(inner)]));
}

/** A number where it is exact, else a bigint. */
function longOf(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
