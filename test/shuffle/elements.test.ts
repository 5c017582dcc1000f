import fc from "fast-check";
import { expect, test } from "vitest";
import { ElementCutter } from "../../lib/operators/element-cutter.ts";
import { elementText } from "../../lib/operators/element.ts";
import { recordsOf } from "../../lib/runtime/shuffle/writer.ts";
import { parsePack } from "../../lib/runtime/shuffle/pack.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { outputOf } from "../../lib/state/commit.ts";
import { wholeText, type CutText } from "../../lib/state/cut-text.ts";
import { columnsOf, textsOf } from "../../lib/state/text-columns.ts";
import { encodeValue } from "../../lib/state/value-text.ts";

const [ENTRY, HOLDER] = ["by-carrier", "A value"];

const LEAF = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })) },
  { weight: 3, arbitrary: fc.string({ unit: "binary" }).map((text) => text.toWellFormed()) },
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.constantFrom<unknown>(
    true,
    false,
    null,
    undefined,
    -0,
    "",
    "\n",
    '"',
    new Date(7),
    new Uint8Array([1]),
    "é\u{1f600}",
  ),
);
/** Few names and lengths, so that many have one form. */
const NAME = fc.constantFrom("a", "b", "a b", '"', "$i", "1", "é");
const { value: VALUE } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    LEAF,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(NAME, tie("value"), { maxKeys: 3 }),
    fc.dictionary(NAME, tie("value"), { maxKeys: 3, noNullPrototype: false }),
  ),
}));
const KEY_CODE = fc.oneof(
  fc.integer().map((n) => `n${n}`),
  fc.bigInt().map((n) => `i${n}`),
  fc.string({ unit: "binary" }).map((text) => `s${text.toWellFormed()}`),
  fc.constantFrom("t", "f", '["sa","n1"]', "[]"),
);
const ELEMENT = fc.record({ group: fc.nat(63), time: fc.maxSafeInteger(), keyCode: KEY_CODE, value: VALUE });

const wholeOf = (element: string | CutText) => (typeof element === "string" ? element : wholeText(element));

test("an element is what its value's JSON makes of it, cut or not, whatever came before it", () => {
  fc.assert(
    fc.property(fc.array(ELEMENT, { maxLength: 20 }), (elements) => {
      const cutter = new ElementCutter(ENTRY);
      const made = elements.map(({ group, time, keyCode, value }) =>
        cutter.elementOf(group, time, keyCode, value, HOLDER),
      );
      const texts = elements.map(({ group, time, keyCode, value }) =>
        elementText(group, ENTRY, time, keyCode, encodeValue(value, HOLDER)),
      );
      expect(made.map(wholeOf)).toEqual(texts);
      const outputs = made.map((element) => outputOf("stage", element));
      expect(textsOf(columnsOf(outputs), Number.POSITIVE_INFINITY)).toEqual(texts);
    }),
    { numRuns: 2_000 },
  );
});

test("elements whose values are alike are cut where these differ, and share what they have in common", () => {
  const cutter = new ElementCutter(ENTRY);
  const cut = (value: unknown) => cutter.elementOf(17, 1_000, "n5", value, HOLDER) as CutText;
  const first = cut({ flights: 3n, delays: [1.5, { worst: "A\n" }], late: null });
  const second = cut({ flights: -4n, delays: [0, { worst: "" }], late: true });
  expect(first.pieces).toEqual([
    "",
    ` ${ENTRY} [`,
    ",",
    ',{"flights":{"$i":"',
    '"},"delays":[',
    ',{"worst":',
    '}],"late":',
    "}]",
  ]);
  expect(first.values).toEqual(["17", "1000", '"n5"', "3", "1.5", '"A\\n"', "null"]);
  expect(second.pieces).toBe(first.pieces);
  expect(second.values.slice(3)).toEqual(["-4", "0", '""', "true"]);
});

test("lists of one or nothing are of one form, with lists of more", () => {
  const cutter = new ElementCutter(ENTRY);
  const cut = (value: unknown) => cutter.elementOf(1, 2, "t", value, HOLDER) as CutText;
  const { pieces } = cut({ most: [], sum: [1n] });
  const others = [
    { most: [5], sum: [] },
    { most: ["a", null, 2n], sum: [1.5] },
  ].map(cut);
  expect(others.map((other) => other.pieces)).toEqual([pieces, pieces]);
  expect(others.map(({ values }) => values.slice(3))).toEqual([
    ["5", ""],
    ['"a",null,{"$i":"2"}', "1.5"],
  ]);
});

test.each([
  ["more than JSON has", { at: new Date(0) }],
  ["a bigint of more than 64 bits", 2n ** 63n],
  ["half a character", "\ud800"],
  ["no number", Number.NaN],
])("a value with %s is left to who writes whole values, or refuses them", (_what, value) => {
  const cutter = new ElementCutter(ENTRY);
  cutter.elementOf(0, 0, "t", 1n, HOLDER);
  cutter.elementOf(0, 0, "t", "a", HOLDER);
  const make = () => cutter.elementOf(0, 0, "t", value, HOLDER);
  if (typeof value === "object") expect(make()).toBe('0 by-carrier [0,"t",{"at":{"$d":0}}]');
  else expect(make).toThrow(expect.objectContaining({ code: "state/not-storable" }));
});

test("values of very many forms take no more time for it than some: then they are whole for a while", () => {
  const cutter = new ElementCutter(ENTRY);
  const isCut = (value: unknown) => typeof cutter.elementOf(0, 0, "t", value, HOLDER) !== "string";
  const kinds = Array.from({ length: 40 }, (_, i) => isCut({ [`field ${i}`]: i }));
  expect(kinds.filter(Boolean)).toHaveLength(8);
  let whole = 0;
  while (!isCut({ "field 0": 7 })) whole++;
  expect(whole).toBeGreaterThan(4_000);
  expect(whole).toBeLessThan(4_100);
  // One in ten is no reason.
  const some = Array.from({ length: 1_000 }, (_, i) => isCut(i % 10 === 0 ? { "field 39": 7 } : { "field 0": 7 }));
  expect(some.filter(Boolean)).toHaveLength(900);
});

test("a long list's text is not put together of its items", () => {
  const cutter = new ElementCutter(ENTRY);
  const isCut = (value: unknown) => typeof cutter.elementOf(0, 0, "t", value, HOLDER) !== "string";
  const long = Array.from({ length: 100 }, (_, i) => i);
  expect([[], [1, 2, 3, 4], long].map((list) => isCut({ list }))).toEqual([true, true, false]);
});

test("X8: cut or whole, elements make the same packs, each with its place in the commit", () => {
  fc.assert(
    fc.property(fc.array(ELEMENT, { minLength: 1, maxLength: 40 }), fc.nat(2_000), (elements, padding) => {
      const cutter = new ElementCutter(ENTRY);
      const values = elements.map(({ value }, i) => (i % 3 === 0 ? { value, text: "x".repeat(padding) } : value));
      const bodies = elements.map(({ group, time, keyCode }, i) =>
        cutter.elementOf(group, time, keyCode, values[i], HOLDER),
      );
      const idOf = (n: number) => `p:0:stage:source.0:shard@7#${n}`;
      const cut = bodies.map((body, index): Delivery => {
        const output = outputOf("stage", body);
        return { index, id: "", body: output.cut === undefined ? output.body : "", cut: output.cut };
      });
      const whole = bodies.map((body, n): Delivery => ({ id: idOf(n), body: wholeOf(body) }));
      const records = recordsOf(whole);
      expect(recordsOf([{ ...cut[0]!, id: idOf(0) }, ...cut.slice(1)])).toEqual(records);
      const read = records.elements.map(({ text }) => parsePack(text));
      const places = read.flatMap((pack) => (pack.kind === "elements" ? pack.elements.map(({ index }) => index) : []));
      expect(places.toSorted((a, b) => a - b)).toEqual(bodies.map((_, n) => n));
    }),
    { numRuns: 300 },
  );
});
