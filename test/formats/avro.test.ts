import avro from "avsc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AvroError } from "../../lib/formats/avro/input.ts";
import { avroReader } from "../../lib/formats/avro/schema.ts";
import { schemaIdIn, valueIn } from "../../lib/formats/avro/wire-format.ts";

/** Longs of 64 bits, which the library leaves to its users. */
const longs = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt as never,
  toJSON: Number as never,
  isValid: (value: unknown) => typeof value === "bigint",
  compare: ((a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)) as never,
});

/** What avsc, another implementation, encodes. */
const encoded = (schema: object | string, value: unknown): Buffer =>
  avro.Type.forSchema(schema as never, { registry: { long: longs }, wrapUnions: false }).toBuffer(value);

/** A schema with a value of it, and the value as it is to be read. */
interface Sample {
  readonly schema: object | string;
  readonly value: unknown;
  readonly expected: unknown;
}

const plain = (schema: string, values: fc.Arbitrary<unknown>, expected: (value: never) => unknown = (value) => value) =>
  values.map((value): Sample => ({ schema, value, expected: expected(value as never) }));
const wellFormed = fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed());
/** A map with a prototype is refused: see below. */
const mapKeys = wellFormed.filter((text) => text !== "__proto__");
const bytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));
const base64 = (value: Buffer) => value.toString("base64");
const least = -(2n ** 63n);
const most = 2n ** 63n - 1n;

const leaves = fc.oneof(
  plain("null", fc.constant(null)),
  plain("boolean", fc.boolean()),
  plain("int", fc.integer()),
  plain(
    "long",
    fc.oneof(fc.bigInt({ min: least, max: most }), fc.constantFrom(0n, -1n, least, most)),
    (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value),
  ),
  plain("float", fc.float({ noNaN: true })),
  plain("double", fc.double({ noNaN: true })),
  plain("string", wellFormed),
  plain("bytes", bytes, base64),
);

let names = 0;
/** Schemas of all kinds, in each other. */
const { samples } = fc.letrec<{ samples: Sample; inner: Sample }>((tie) => ({
  inner: fc.oneof({ depthSize: "small" }, leaves, tie("samples")),
  samples: fc.oneof(
    leaves,
    fc.array(tie("inner"), { maxLength: 5 }).map((fields): Sample => {
      const named = fields.map((field, i) => [`f${i}`, field] as const);
      const of = (pick: (field: Sample) => unknown) =>
        Object.fromEntries(named.map(([name, field]) => [name, pick(field)]));
      return {
        schema: {
          type: "record",
          name: `R${names++}`,
          namespace: "a.b",
          fields: named.map(([name, { schema }]) => ({ name, type: schema })),
        },
        value: of(({ value }) => value),
        expected: of(({ expected }) => expected),
      };
    }),
    fc.tuple(tie("inner"), fc.nat(3)).map(([{ schema, value, expected }, length]): Sample => ({
      schema: { type: "array", items: schema },
      value: Array<unknown>(length).fill(value),
      expected: Array<unknown>(length).fill(expected),
    })),
    fc
      .tuple(tie("inner"), fc.uniqueArray(mapKeys, { maxLength: 3 }))
      .map(([{ schema, value, expected }, keys]): Sample => ({
        schema: { type: "map", values: schema },
        value: Object.fromEntries(keys.map((key) => [key, value])),
        expected: Object.fromEntries(keys.map((key) => [key, expected])),
      })),
    fc.tuple(leaves, fc.boolean()).map(([{ schema, value, expected }, isNull]): Sample => {
      const none = isNull || schema === "null";
      return {
        schema: ["null", schema === "null" ? "int" : schema],
        value: none ? null : value,
        expected: none ? null : expected,
      };
    }),
    fc.constantFrom("RED", "GREEN").map((symbol): Sample => ({
      schema: { type: "enum", name: `E${names++}`, symbols: ["RED", "GREEN"] },
      value: symbol,
      expected: symbol,
    })),
    fc.uint8Array({ minLength: 3, maxLength: 3 }).map((three): Sample => ({
      schema: { type: "fixed", name: `F${names++}`, size: 3 },
      value: Buffer.from(three),
      expected: base64(Buffer.from(three)),
    })),
  ),
}));

/** Items that take no bytes are refused in arrays. */
const isEmpty = (schema: unknown): boolean =>
  schema === "null" ||
  (typeof schema === "object" &&
    schema !== null &&
    ((schema as { type?: string }).type === "record"
      ? (schema as { fields: { type: unknown }[] }).fields.every(({ type }) => isEmpty(type))
      : false));
const hasEmptyItems = (schema: unknown): boolean => {
  if (typeof schema !== "object" || schema === null) return false;
  if (Array.isArray(schema)) return schema.some(hasEmptyItems);
  const { type, items, values, fields } = schema as Record<string, unknown>;
  return (
    (type === "array" && isEmpty(items)) ||
    [items, values].some(hasEmptyItems) ||
    ((fields as { type: unknown }[] | undefined) ?? []).some((field) => hasEmptyItems(field.type))
  );
};

test("what another implementation has written is read as it was, of every schema", () => {
  fc.assert(
    fc.property(samples, ({ schema, value, expected }) => {
      fc.pre(!hasEmptyItems(schema));
      const copy = avroReader(JSON.stringify(schema))(encoded(schema, value));
      expect(copy).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test("bytes that were cut or changed are read or refused: nothing else, and soon", () => {
  fc.assert(
    fc.property(samples, fc.nat(200), fc.nat(255), ({ schema, value }, at, byte) => {
      fc.pre(!hasEmptyItems(schema));
      const whole = encoded(schema, value);
      const read = avroReader(JSON.stringify(schema));
      const changed = Buffer.from(whole);
      if (whole.length > 0) changed[at % whole.length] = byte;
      for (const one of [
        changed,
        whole.subarray(0, at % (whole.length + 1)),
        Buffer.concat([whole, Buffer.from([byte])]),
      ]) {
        try {
          read(one);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AvroError);
        }
      }
    }),
    { numRuns: 500 },
  );
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let zigzag = BigInt(value) * 2n;
  for (; zigzag >= 0x80n; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(zigzag)]);
}

/** A list in blocks, none of which announces more items than there are bytes behind it. */
function blocksOfNothing(bytes: number): Buffer {
  const blocks: Buffer[] = [];
  let left = bytes;
  while (left > 8) {
    const block = varint(left - 8);
    blocks.push(block);
    left -= block.length;
  }
  return Buffer.concat([...blocks, Buffer.alloc(left - 1, varint(1)), varint(0)]);
}

describe("a few bytes do not become many", () => {
  const many = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
  const twice = (n: number): object =>
    n === 0
      ? { type: "record", name: "T0", fields: [] }
      : {
          type: "record",
          name: `T${n}`,
          fields: [
            { name: "a", type: twice(n - 1) },
            { name: "b", type: `T${n - 1}` },
          ],
        };
  test.each<[string, object | string, Buffer]>([
    ["items", { type: "array", items: "int" }, many],
    ["items of nothing", { type: "array", items: "null" }, many],
    ["entries", { type: "map", values: "int" }, many],
    ["bytes", "bytes", many],
    ["text", "string", many],
    ["fixed", { type: "fixed", name: "F", size: 1e15 }, many],
    ["a block that says its size", { type: "array", items: "null" }, Buffer.from([0x01, ...many])],
    [
      "a record in itself",
      {
        type: "record",
        name: "R",
        fields: [
          { name: "r", type: "R" },
          { name: "s", type: "R" },
        ],
      },
      Buffer.from([0]),
    ],
    ["records that are twice in each other", twice(60), Buffer.alloc(0)],
  ])("%s", (_what, schema, payload) => {
    expect(() => avroReader(JSON.stringify(schema))(payload)).toThrow(AvroError);
  });

  const nothing = { type: "fixed", name: "F", size: 0 };
  test.each<[string, object, Buffer]>([
    ["a list", { type: "array", items: "null" }, blocksOfNothing(10_000)],
    [
      "lists in a list",
      { type: "array", items: { type: "array", items: nothing } },
      Buffer.from([40, ...Array.from({ length: 20 }, () => [...blocksOfNothing(2_000)]).flat(), 0]),
    ],
  ])("items of nothing, block after block: %s", (_what, schema, payload) => {
    expect(() => avroReader(JSON.stringify(schema))(payload)).toThrow("a block has");
  });

  test("columns of nothing, by a byte each", () => {
    const fields = Array.from({ length: 10_000 }, (_, i) => ({ name: `f${i}`, type: "null" }));
    const schema = { type: "array", items: ["int", { type: "record", name: "R", fields }] };
    const payload = Buffer.concat([varint(100_000), Buffer.alloc(100_000, 2), Buffer.of(0)]);
    expect(() => avroReader(JSON.stringify(schema))(payload)).toThrow("more columns than bytes");
  });
});

describe("the encoding, to the letter", () => {
  const ff = (n: number) => Array<number>(n).fill(0xff);
  test.each<[string, object | string, number[], unknown]>([
    ["the least long", "long", [...ff(9), 0x01], least],
    ["the greatest", "long", [0xfe, ...ff(8), 0x01], most],
    ["the least int", "int", [0xff, 0xff, 0xff, 0xff, 0x0f], -(2 ** 31)],
    [
      "blocks that say what they take",
      { type: "array", items: "int" },
      [0x03, 0x04, 0x02, 0x04, 0x01, 0x02, 0x06, 0],
      [1, 2, 3],
    ],
    ["two blocks of a map", { type: "map", values: "int" }, [2, 2, 0x61, 2, 2, 2, 0x62, 4, 0], { a: 1, b: 2 }],
  ])("%s", (_what, schema, payload, value) => {
    expect(avroReader(JSON.stringify(schema))(Buffer.from(payload))).toEqual(value);
  });

  test.each<[string, object | string, number[]]>([
    ["a long of more than 64 bits", "long", [...ff(9), 0x02]],
    ["a long that does not end", "long", ff(11)],
    ["an int of more than 32 bits", "int", [0x80, 0x80, 0x80, 0x80, 0x10]],
    ["a boolean that is neither", "boolean", [2]],
    ["text that is no UTF-8", "string", [2, 0xff]],
    ["a branch that is not there", ["null", "int"], [4]],
    ["a branch before the first", ["null", "int"], [1]],
    ["a symbol that is not there", { type: "enum", name: "E", symbols: ["A"] }, [2]],
    ["a length below nothing", "bytes", [1]],
    ["a map with a prototype", { type: "map", values: "int" }, [2, 18, ...Buffer.from("__proto__"), 2, 0]],
    ["something behind the value", "int", [2, 0]],
  ])("%s is refused", (_what, schema, payload) => {
    expect(() => avroReader(JSON.stringify(schema))(Buffer.from(payload))).toThrow(AvroError);
  });
});

describe("what is no schema is refused", () => {
  const deep = (n: number): unknown => (n === 0 ? "int" : { type: "array", items: deep(n - 1) });
  test.each<[string, string]>([
    ["no JSON", "{"],
    ["an unknown type", '"decimal"'],
    ["a number", "7"],
    ["a record without fields", '{"type":"record","name":"R"}'],
    ["a record without a name", '{"type":"record","fields":[]}'],
    ["a field without a name", '{"type":"record","name":"R","fields":[{"type":"int"}]}'],
    ["a field that is the prototype", '{"type":"record","name":"R","fields":[{"name":"__proto__","type":"int"}]}'],
    ["an enum without symbols", '{"type":"enum","name":"E"}'],
    ["a fixed without a size", '{"type":"fixed","name":"F","size":-1}'],
    ["two of one name", '["int",{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]'],
    ["one too deep", JSON.stringify(deep(70))],
  ])("%s", (_what, schema) => {
    expect(() => avroReader(schema)).toThrow(AvroError);
  });
});

test("names are found in their namespaces", () => {
  const schema = {
    type: "record",
    name: "a.b.Outer",
    fields: [
      { name: "one", type: { type: "enum", name: "Kind", symbols: ["X"] } },
      { name: "two", type: "Kind" },
      { name: "three", type: "a.b.Kind" },
      {
        name: "four",
        type: { type: "record", name: "Inner", namespace: "c", fields: [{ name: "k", type: "a.b.Kind" }] },
      },
      { name: "five", type: ["null", "c.Inner"] },
    ],
  };
  const value = { one: "X", two: "X", three: "X", four: { k: "X" }, five: { k: "X" } };
  expect(avroReader(JSON.stringify(schema))(encoded(schema, value))).toEqual(value);
});

test("the wire format of Confluent's serializers: a zero, the schema's id, the value", () => {
  const payload = Buffer.from([0, 0, 0, 1, 2, 7, 8]);
  expect(schemaIdIn(payload)).toBe(258);
  expect(valueIn(payload)).toEqual(Buffer.from([7, 8]));
  for (const other of [[], [0, 0, 0], [1, 0, 0, 0, 1], [0x7b, 0x7d, 0, 0, 0, 0]]) {
    expect(() => schemaIdIn(Buffer.from(other))).toThrow(AvroError);
  }
  expect(() => schemaIdIn(Buffer.from([3, 0, ...Buffer.alloc(16)]))).toThrow(/Glue/);
});
