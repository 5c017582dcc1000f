import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeKey, encodeField, encodeKey, keyReader, type KeyValues } from "../../lib/state/key.ts";
import { quoted } from "../../lib/state/quoted-text.ts";

const TEXT = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    '"',
    "\\",
    '","',
    '"]',
    "a\nb",
    "é",
    "\ud800",
    "x".repeat(64),
    "x".repeat(65),
    `${"x".repeat(70)}"`,
  ),
);
const VALUE = fc.oneof(
  TEXT,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.bigInt(),
  fc.boolean(),
);
const KEY = fc
  .uniqueArray(fc.constantFrom("carrier", "flight", "a b", "é"), { minLength: 1 })
  .chain((fields) => fc.tuple(...fields.map((field) => fc.tuple(fc.constant(field), VALUE))))
  .map((entries): KeyValues => Object.fromEntries(entries));

test("a key's code is its field's, or the JSON of its fields', and makes the key again", () => {
  fc.assert(
    fc.property(KEY, (key) => {
      const fields = Object.keys(key);
      const codes = fields.map((field) => encodeField(field, key[field]!));
      const code = encodeKey(key);
      expect(code).toBe(codes.length === 1 ? codes[0] : JSON.stringify(codes));
      expect(decodeKey(fields, code)).toEqual(key);
      expect(keyReader(fields)(code)).toEqual(key);
      expect(keyReader([...fields, "further"])(code)).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});

const NOT_SAID = undefined;

test.each([
  ["", NOT_SAID],
  ["sa", NOT_SAID],
  ["[]", NOT_SAID],
  ['["sa"]', NOT_SAID],
  ['["sa","sb","sc"]', NOT_SAID],
  ['["sa",5]', NOT_SAID],
  ['["sa","x"]', NOT_SAID],
  ['["sa" ,"n1"]', { a: "a", b: 1 }],
  ['["sa","n1"', SyntaxError],
  ['["', SyntaxError],
  ['["sa"n1"]', SyntaxError],
  ['["s\n","n1"]', SyntaxError],
  ['["sa","n1"]]', SyntaxError],
])("%s is a key of two fields only if it says so", (code, key) => {
  const read = () => keyReader(["a", "b"])(code);
  if (key === SyntaxError) expect(read).toThrow(SyntaxError);
  else expect(read()).toEqual(key);
});

test("a text as JSON is what JSON makes of it, however long", () => {
  fc.assert(
    fc.property(TEXT, fc.nat(3), (text, times) => {
      expect(quoted(text.repeat(times))).toBe(JSON.stringify(text.repeat(times)));
    }),
    { numRuns: 2_000 },
  );
});
