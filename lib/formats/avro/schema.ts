import { AvroError, AvroInput } from "./input.ts";

/** Makes a value of bytes. */
export type AvroReader = (bytes: Buffer) => unknown;

type Read = (input: AvroInput, depth: number) => unknown;

/** Deeper than this, a schema, or a value of one that holds itself, is read by nobody. */
const MOST_DEPTH = 64;
/** Types in one schema: a table has at most a few thousand columns. */
const MOST_TYPES = 20_000;

const PRIMITIVES: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["null", () => null],
  ["boolean", (input) => input.boolean()],
  ["int", (input) => input.int()],
  ["long", (input) => input.long()],
  ["float", (input) => input.float()],
  ["double", (input) => input.double()],
  ["bytes", (input) => input.bytes().toString("base64")],
  ["string", (input) => input.string()],
]);

/**
 * What reads values that were written by a schema, as Kafka Connect's JSON has them: bytes are base64, what is optional is a
 * value or null, whole numbers beyond 2^53 are bigints. Of a bounded number of steps for each byte.
 *
 * @param text the schema, JSON
 * @throws AvroError for what is no schema; what it gives, for bytes that are no value of it
 */
export function avroReader(text: string): AvroReader {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AvroError("the schema is no JSON");
  }
  const read = new Schemas().readOf(json, "", 0);
  return (bytes) => {
    const input = new AvroInput(bytes);
    const value = read(input, 0);
    if (input.left > 0) throw new AvroError(`${input.left} bytes are left over`);
    return value;
  };
}

interface Json {
  readonly [field: string]: unknown;
}

/** Reads a schema, and knows the types that it has named so far. */
class Schemas {
  readonly #named = new Map<string, Read>();
  #types = 0;

  /** @param namespace what names without one are in */
  readOf(schema: unknown, namespace: string, depth: number): Read {
    if (depth > MOST_DEPTH) throw new AvroError("the schema is too deep");
    if (++this.#types > MOST_TYPES) throw new AvroError("the schema is too large");
    if (typeof schema === "string") return this.#known(schema, namespace);
    if (Array.isArray(schema)) return this.#union(schema, namespace, depth);
    if (typeof schema !== "object" || schema === null) throw new AvroError("a type is neither a name nor an object");
    const { type } = schema as Json;
    switch (type) {
      case "record":
      case "error":
        return this.#record(schema as Json, namespace, depth);
      case "enum":
        return this.#enum(schema as Json, namespace);
      case "fixed":
        return this.#fixed(schema as Json, namespace);
      case "array":
        return this.#array((schema as Json)["items"], namespace, depth);
      case "map":
        return this.#map((schema as Json)["values"], namespace, depth);
      default:
        return this.readOf(type, namespace, depth + 1);
    }
  }

  #known(name: string, namespace: string): Read {
    const read = PRIMITIVES.get(name) ?? this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (read === undefined) throw new AvroError(`there is no type "${name.slice(0, 100)}"`);
    return read;
  }

  #record(schema: Json, namespace: string, depth: number): Read {
    const { fields } = schema;
    if (!Array.isArray(fields)) throw new AvroError("a record has no fields");
    const within = namespaceOf(schema, namespace);
    const columns: [name: string, read: Read][] = [];
    // Named before its fields are read: they may be of its own type.
    const record = this.#name(schema, namespace, (input, level) => {
      if (level > MOST_DEPTH) throw new AvroError("it is too deep");
      input.columns(columns.length);
      const value: Record<string, unknown> = {};
      for (const [name, read] of columns) value[name] = read(input, level + 1);
      return value;
    });
    for (const field of fields as readonly (Json | null)[]) {
      const name = field?.["name"];
      if (typeof name !== "string") throw new AvroError("a field has no name");
      columns.push([allowed(name), this.readOf(field!["type"], within, depth + 1)]);
    }
    return record;
  }

  #enum(schema: Json, namespace: string): Read {
    const { symbols } = schema;
    if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === "string")) {
      throw new AvroError("an enum has no symbols");
    }
    return this.#name(schema, namespace, (input) => {
      const symbol: unknown = symbols[input.int()];
      if (symbol === undefined) throw new AvroError("an enum has no such symbol");
      return symbol;
    });
  }

  #fixed(schema: Json, namespace: string): Read {
    const { size } = schema;
    if (!Number.isSafeInteger(size) || (size as number) < 0) throw new AvroError("a fixed has no size");
    return this.#name(schema, namespace, (input) => input.fixed(size as number).toString("base64"));
  }

  #array(items: unknown, namespace: string, depth: number): Read {
    const read = this.readOf(items, namespace, depth + 1);
    return (input, level) => {
      const all: unknown[] = [];
      input.blocks(() => all.push(read(input, level + 1)));
      return all;
    };
  }

  #map(values: unknown, namespace: string, depth: number): Read {
    const read = this.readOf(values, namespace, depth + 1);
    return (input, level) => {
      const all: Record<string, unknown> = {};
      input.blocks(() => void (all[allowed(input.string())] = read(input, level + 1)));
      return all;
    };
  }

  #union(branches: readonly unknown[], namespace: string, depth: number): Read {
    const reads = branches.map((branch) => this.readOf(branch, namespace, depth + 1));
    return (input, level) => {
      const read = reads[input.int()];
      if (read === undefined) throw new AvroError("a union has no such branch");
      return read(input, level);
    };
  }

  #name(schema: Json, namespace: string, read: Read): Read {
    const full = fullName(nameOf(schema), namespaceOf(schema, namespace));
    if (this.#named.has(full)) throw new AvroError(`two types are named "${full.slice(0, 100)}"`);
    this.#named.set(full, read);
    return read;
  }
}

/** As of JSON: assignments would take it for the prototype. */
function allowed(name: string): string {
  if (name !== "__proto__") return name;
  throw new AvroError('there is a field "__proto__"');
}

function nameOf({ name }: Json): string {
  if (typeof name === "string" && name !== "") return name;
  throw new AvroError("a type has no name");
}

/** The namespace of a type, and of names in it. */
function namespaceOf(schema: Json, enclosing: string): string {
  const name = nameOf(schema);
  if (name.includes(".")) return name.slice(0, name.lastIndexOf("."));
  const { namespace } = schema;
  return typeof namespace === "string" ? namespace : enclosing;
}

const fullName = (name: string, namespace: string): string =>
  name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
