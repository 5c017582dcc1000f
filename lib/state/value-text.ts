import { isJson, storableCopy } from "./storable.ts";

/**
 * A value as JSON text that comes back as it was: what {@link storableCopy} allows. What JSON has no place for is an
 * object of one field whose name begins with `$`; an object that looks like one is wrapped.
 *
 * @param holder names what the value is of, in the error
 * @throws poison error `state/not-storable` for what cannot be stored
 */
export const encodeValue = (value: unknown, holder: string): string =>
  JSON.stringify(isJson(value) ? value : tagged(storableCopy(value, holder)));

/** Whether JSON that was parsed has anything to be made of it by {@link untag}, by its text as {@link encodeValue} writes it. */
export const hasTags = (text: string): boolean => text.includes('{"$');

/** The value that {@link encodeValue} made `text` of. @throws SyntaxError for what is no JSON */
export function decodeValue(text: string): unknown {
  return untag(JSON.parse(text));
}

/** The same for JSON that was parsed already, as a part of something larger. */
export const untag = (json: unknown): unknown => {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) {
    for (let i = 0; i < json.length; i++) json[i] = untag(json[i]);
    return json;
  }
  const names = Object.keys(json);
  const record = json as Record<string, unknown>;
  if (names.length === 1 && names[0]!.startsWith("$")) return untagged(names[0]!, record[names[0]!]);
  for (const name of names) {
    const field = record[name];
    if (typeof field === "object" && field !== null) record[name] = untag(field);
  }
  return record;
};

function tagged(value: unknown): unknown {
  switch (typeof value) {
    case "bigint":
      return { $i: String(value) };
    case "undefined":
      return { $u: 0 };
    case "number":
      return Object.is(value, -0) ? { $n: "-0" } : value;
    case "object":
      return value === null ? null : taggedObject(value);
    default:
      return value;
  }
}

function taggedObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(tagged);
  if (value instanceof Date) return { $d: Number.isNaN(value.getTime()) ? null : value.getTime() };
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString("base64") };
  const names = Object.keys(value);
  const fields = Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([name, item]) => [name, tagged(item)]),
  );
  return names.length === 1 && names[0]!.startsWith("$") ? { $o: fields } : fields;
}

function untagged(tag: string, content: unknown): unknown {
  switch (tag) {
    case "$i":
      return BigInt(content as string);
    case "$u":
      return undefined;
    case "$n":
      return -0;
    case "$d":
      return new Date(content === null ? Number.NaN : (content as number));
    case "$b":
      return new Uint8Array(Buffer.from(content as string, "base64"));
    case "$o": {
      const record = content as Record<string, unknown>;
      for (const [name, item] of Object.entries(record)) record[name] = untag(item);
      return record;
    }
    default:
      throw new SyntaxError(`there is no "${tag}"`);
  }
}
