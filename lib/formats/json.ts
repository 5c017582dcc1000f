import { isUtf8 } from "node:buffer";

/** Nesting beyond this is refused: it serves no event, and exhausts stacks further on. */
export const MAX_DEPTH = 256;

/** Why bytes are no JSON we take. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code: "json/utf-8" | "json/syntax" | "json/depth" | "json/forbidden-key";

  constructor(code: JsonError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Parses untrusted bytes as JSON (RFC 8259).
 *
 * Invalid UTF-8 is refused, where Node's decoders would put U+FFFD in its place; so is nesting beyond
 * {@link MAX_DEPTH} and a key `__proto__`, which assignments further on would take for the prototype.
 *
 * @throws JsonError
 */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new JsonError("json/utf-8", "The payload is not valid UTF-8.");
  const text = bytes.toString("utf8");
  // Shorter text cannot nest so deep, brackets come in pairs.
  if (text.length >= 2 * MAX_DEPTH && depthOf(text) > MAX_DEPTH) {
    throw new JsonError("json/depth", `The payload nests deeper than ${MAX_DEPTH}.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the payload, which does not belong into logs.
    throw new JsonError("json/syntax", "The payload is not JSON.");
  }
  if (mayName(text, "__proto__") && hasKey(value, "__proto__")) {
    throw new JsonError("json/forbidden-key", 'The payload has a key "__proto__".');
  }
  return value;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) inString = !inString;
    else if (inString) {
      if (c === 0x5c) i++; // a backslash escapes what follows
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return deepest;
}

/** Whether a text can contain a name, escaped or not. */
const mayName = (text: string, name: string): boolean => text.includes(name) || text.includes("\\u");

function hasKey(value: unknown, key: string): boolean {
  if (typeof value !== "object" || value === null) return false;
  return (
    (!Array.isArray(value) && Object.hasOwn(value, key)) || Object.values(value).some((inner) => hasKey(inner, key))
  );
}
