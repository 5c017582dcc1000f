import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCopyOf, isJson, storableCopy } from "../../lib/state/storable.ts";
import { decodeValue, encodeValue, hasTags, untag } from "../../lib/state/value-text.ts";
import { CODEC, decodeBody, encodeBody, packed } from "../../lib/state/codec.ts";

const copyOf = (value: unknown) => storableCopy(value, "A value");
const throughStorage = (value: unknown) => copyOf(decodeBody(encodeBody(value), CODEC, "a value"));

const textOf = (value: unknown): string => encodeValue(value, "A value");

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.constant(undefined),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("__proto__", "$", "$i", "$o", "toJSON")), tie("any"), {
      maxKeys: 4,
    }),
  ),
})).any;

describe("what is kept in a state", () => {
  test("is refused before it is stored, or comes back from storage as it was", () => {
    fc.assert(
      fc.property(value, (given) => {
        let copy: unknown;
        try {
          copy = copyOf(given);
        } catch (error) {
          expect(error).toMatchObject({ kind: "poison", code: "state/not-storable" });
          return;
        }
        expect(throughStorage(copy)).toStrictEqual(copy);
      }),
      { numRuns: 2000 },
    );
  });

  test("is refused before it becomes a text, or comes back from one as it was", () => {
    fc.assert(
      fc.property(value, (given) => {
        let copy: unknown;
        try {
          copy = copyOf(given);
        } catch {
          expect(() => textOf(given)).toThrow(expect.objectContaining({ code: "state/not-storable" }));
          return;
        }
        const text = textOf(given);
        expect(decodeValue(text)).toStrictEqual(copy);
        // What is JSON already has the text of its copy, and is read without being looked through.
        expect(text).toBe(textOf(copy));
        const parsed: unknown = JSON.parse(text);
        if (!hasTags(text)) expect(untag(structuredClone(parsed))).toStrictEqual(parsed);
      }),
      { numRuns: 3000 },
    );
  });

  test("is as its copy is, and as no copy of another value", () => {
    fc.assert(
      fc.property(value, value, (given, other) => {
        let copies: readonly [unknown, unknown];
        try {
          copies = [copyOf(given), copyOf(other)];
        } catch {
          return;
        }
        const [copy, another] = copies;
        if (isCopyOf(given, another)) expect(another).toStrictEqual(copy);
        // Of Dates and bytes it is not said.
        if (isJson(given)) expect(JSON.parse(textOf(given))).toStrictEqual(JSON.parse(JSON.stringify(copy))); // -0 is 0
      }),
      { numRuns: 2000 },
    );
    const nested = { most: 3, values: [{ id: "a", at: 1 }, null, undefined] };
    const copy = copyOf(nested);
    expect(isCopyOf(nested, copy)).toBe(true);
    nested.values.push(null);
    expect(isCopyOf(nested, copy)).toBe(false);
    expect(isCopyOf({ b: 1, a: 2 }, copyOf({ a: 2, b: 1 }))).toBe(false);
    expect(isCopyOf(new Date(0), copyOf(new Date(0)))).toBe(false);
    expect(isCopyOf({ n: -0 }, { n: 0 })).toBe(false);
    expect(isCopyOf(Object.defineProperty({ n: 1 }, "hidden", { value: 1 }), { n: 1 })).toBe(false);
    expect(isCopyOf({ n: 1, [Symbol("hidden")]: 1 }, { n: 1 })).toBe(false);
    expect(isCopyOf(Object.assign([1], { hidden: 1 }), [1])).toBe(false);
    class Other {}
    expect(isCopyOf(new Other(), {})).toBe(false);
  });

  test("is no JSON where it says itself what its JSON is", () => {
    const hidden = <T extends object>(of: T): T => Object.defineProperty(of, "toJSON", { value: () => "gone" });
    expect([isJson(hidden({ n: 1 })), isJson(hidden([1]))]).toEqual([false, false]);
    expect(decodeValue(textOf(hidden({ n: 1 })))).toEqual({ n: 1 });
  });

  test("becomes a text without calling what it has for making one of it", () => {
    const list = Object.assign([1], { toJSON: () => "no list" });
    expect(textOf(list)).toBe("[1]");
    expect(() => textOf({ toJSON: () => "no object" })).toThrow(
      expect.objectContaining({ code: "state/not-storable" }),
    );
  });

  const refused: [name: string, value: unknown][] = [
    ["an invalid Date", new Date(Number.NaN)],
    ["half a surrogate pair", "\ud800"],
    ["a bigint of 65 bits", 2n ** 63n],
  ];
  for (const [name, value] of refused) {
    test(`is not ${name}`, () => {
      expect(() => copyOf(value)).toThrow(expect.objectContaining({ code: "state/not-storable" }));
    });
  }

  test("has no hole, and no −0", () => {
    const kept = copyOf([-0, , { a: undefined }]) as unknown[];
    expect(kept).toStrictEqual([0, undefined, { a: undefined }]);
    expect(1 in kept).toBe(true);
  });

  test("shares no bytes with what it was copied from", () => {
    const whole = Buffer.from([1, 2, 3]);
    const copy = copyOf(whole.subarray(1)) as Uint8Array;
    whole[1] = 9;
    expect(copy).toStrictEqual(new Uint8Array([2, 3]));
  });
});

test("what was packed of something large is no part of a buffer that stays: small bodies after it take little", () => {
  const large = packed("x".repeat(8 * 1_024 * 1_024));
  const small = packed("y".repeat(1_024));
  expect(small.buffer).not.toBe(large.buffer);
  expect(small.buffer.byteLength).toBeLessThan(1_024 * 1_024);
  expect(Buffer.from(large.subarray(-1)).toString()).toBe("x");
});
