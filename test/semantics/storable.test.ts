import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { storableCopy } from "../../lib/state/storable.ts";
import { CODEC, decodeBody, encodeBody } from "../../lib/state/codec.ts";

const copyOf = (value: unknown) => storableCopy(value, "A value");
const throughStorage = (value: unknown) => copyOf(decodeBody(encodeBody(value), CODEC, "a value"));

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
    fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), tie("any"), { maxKeys: 4 }),
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
