import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonError, parseJson } from "../../lib/formats/json.ts";
import { layoutOf } from "../../lib/formats/json-layout.ts";
import { JsonReader } from "../../lib/formats/json-reader.ts";
import { ValueReader } from "../../lib/formats/json-value.ts";
import { layoutReader, OTHER_LAYOUT } from "../../lib/formats/layout-reader.ts";
import { Texts } from "../../lib/formats/texts.ts";

const outcomeOf = (parse: (bytes: Buffer) => unknown, bytes: Buffer): unknown => {
  try {
    const value = parse(bytes);
    // The order of names, and −0, are part of it.
    return { json: JSON.stringify(value), value };
  } catch (thrown) {
    if (thrown instanceof JsonError) return { code: thrown.code };
    throw thrown;
  }
};

/** What a reader gives for each text, those before it being what they are. */
function expectSame(texts: readonly (string | Buffer)[]): void {
  const reader = new JsonReader();
  for (const text of texts) {
    const bytes = Buffer.from(text as string);
    expect(outcomeOf((of) => reader.parse(of), bytes)).toEqual(outcomeOf(parseJson, bytes));
  }
}

const NAME = fc.oneof(
  fc.constantFrom("id", "at", "value", "0", "10", "__proto__", "constructor", "é", "a b", 'q"', "toString", ""),
  fc.string({ maxLength: 4 }),
);
const PLAIN = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "grapheme", maxLength: 5 }),
  fc.constantFrom("same", "ORD", "a".repeat(24), "a".repeat(25)),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).map((number) => Number(number.toFixed(3))),
  fc.constantFrom(0, -0, 1e21, 5e-324, 2 ** 53, 999_999_999_999_999, 0.1, 123456.789, true, false, null),
);
const ANY = fc.oneof({ weight: 8, arbitrary: PLAIN }, fc.array(PLAIN, { maxLength: 2 }), fc.dictionary(NAME, PLAIN));

/** Names, some of which stand for objects. */
type Names = readonly (readonly [name: string, within: Names | undefined])[];

const { NAMES } = fc.letrec<{ NAMES: Names }>((tie) => ({
  NAMES: fc.array(
    fc.tuple(NAME, fc.option(tie("NAMES"), { nil: undefined, freq: 4, maxDepth: 3, depthIdentifier: "names" })),
    { maxLength: 5, depthIdentifier: "names" },
  ),
}));

/** An object's text with blanks as some producer puts them. */
const textOf = (names: Names, blank: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      ...names.map(([, within]) =>
        within === undefined ? ANY.map((of) => JSON.stringify(of)) : textOf(within, blank),
      ),
    )
    .map((values) => names.map(([name], i) => `${JSON.stringify(name)}:${blank}${values[i]}`).join(`,${blank}`))
    .map((fields) => `{${blank}${fields}${blank}}`);

/** Texts of few layouts, so that most are read by one. */
const STREAM = fc
  .tuple(fc.array(NAMES, { minLength: 1, maxLength: 6 }), fc.constantFrom("", " ", "\n"))
  .chain(([layouts, blank]) =>
    fc.array(
      fc.constantFrom(...layouts).chain((names) => textOf(names, blank)),
      { minLength: 1, maxLength: 12 },
    ),
  );

test("what a reader gives is what JSON.parse does, whatever it has read before", () => {
  fc.assert(
    fc.property(STREAM, (texts) => expectSame(texts)),
    { numRuns: 1_000 },
  );
});

test("and for texts that were damaged: a byte changed, put in, left out, or the end cut off", () => {
  const damaged = (text: string, at: number, kind: number, byte: number): Buffer => {
    const bytes = Buffer.from(text);
    const place = at % (bytes.length + 1);
    const rest = bytes.subarray(place);
    if (kind === 0) return bytes.subarray(0, place);
    if (kind === 1) return Buffer.concat([bytes.subarray(0, place), Buffer.from([byte]), rest]);
    return Buffer.concat([bytes.subarray(0, place), ...(kind === 2 ? [Buffer.from([byte])] : []), rest.subarray(1)]);
  };
  const telling = fc.constantFrom(...Buffer.from('"\\{}[],:-+.eE0129 \n\ttfn'), 0x00, 0x1f, 0x7f, 0x80, 0xc3, 0xff);
  const damages = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 3 }), fc.oneof(telling, fc.nat(255))), {
    minLength: 1,
    maxLength: 20,
  });
  let refused = 0;
  fc.assert(
    fc.property(STREAM, damages, (texts, all) => {
      const bad = all.flatMap(([at, kind, byte], i) => damaged(texts[i % texts.length]!, at, kind, byte));
      for (const bytes of bad) if ("code" in (outcomeOf(parseJson, bytes) as object)) refused++;
      expectSame([...texts, ...bad, ...texts]);
    }),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(250);
});

test("a text begins and ends where it is said to, whatever stands before and behind it", () => {
  const before = fc.constantFrom("", '{"', "1", "{", "-", '{"id":');
  const behind = fc.constantFrom("", '"', "1", "}", '"}', "rue}", 'x"}');
  fc.assert(
    fc.property(STREAM, fc.nat(), before, behind, (texts, cut, front, rest) => {
      const start = front.length;
      const reader = new JsonReader();
      for (const text of [...texts, ...texts]) {
        const bytes = Buffer.from(text);
        const length = cut % (bytes.length + 1);
        const expected = outcomeOf(parseJson, bytes.subarray(0, length));
        outcomeOf((of) => reader.parse(of), bytes);
        expect(outcomeOf((of) => reader.parse(of, 0, length), bytes)).toEqual(expected);
        const more = Buffer.concat([Buffer.from(front), bytes.subarray(0, length), Buffer.from(rest)]);
        expect(outcomeOf((of) => reader.parse(of, start, start + length), more)).toEqual(expected);
      }
    }),
    { numRuns: 400 },
  );
});

test.each([
  ["-0", "-1", "-0.5", "0.10", "100000000000000", "999999999999999", "1e3", "1E-2", "12345678901234567890"],
  [
    "123456789",
    "1234567890",
    "123456789012345678",
    "1234567890123456789",
    "12345678.9",
    "123456789.25",
    "999999999.999999",
  ],
  ["01", "1.", "-.5", ".5", "-", "--1", "1.2.3", "+1", "0x10", "00", "-01", "1e", "NaN"],
])("numbers as JSON has them: %s", (...numbers) => {
  expectSame(['{"n":1}', ...numbers.map((number) => `{"n":${number}}`)]);
});

test.each([
  ["value", (long: string) => ["a", long] as const],
  ["name", (long: string) => [long, "a"] as const],
])("a text with a long %s is read as any, be it with escapes", (_what, fieldOf) => {
  for (const unit of ["x", '"']) {
    const text = JSON.stringify(Object.fromEntries([fieldOf(unit.repeat(8 * 1_024 * 1_024))]));
    expect(JSON.stringify(new JsonReader().parse(Buffer.from(text))) === text).toBe(true);
  }
});

test("a text about as long as those that are kept is read as JSON.parse does, whatever byte stands anywhere in it, and what follows too", () => {
  for (let length = 22; length <= 33; length++)
    for (let place = 0; place < length; place++)
      for (const special of [
        "\\n",
        '\\"',
        "\\",
        '"',
        "\u0001",
        "\u001f",
        " ",
        "!",
        "~",
        "\u007f",
        "\u0080",
        "é",
        "\u{1f600}",
      ]) {
        const text = "x".repeat(place) + special + "y".repeat(length - place - 1);
        expectSame(['{"a":"","b":1}', `{"a":"${text}","b":1}`, `{"b":1,"a":"${text}"}`, `{"b":2,"a":"${text}"}`]);
      }
});

test("a text is read by a layout that was learned, also where a field is missing in some", () => {
  const reader = new JsonReader();
  const full = Buffer.from('{"id":"a","n":1,"trace":"t"}');
  const bare = Buffer.from('{"id":"b","n":2}');
  for (let i = 0; i < 4; i++) for (const bytes of [full, bare]) reader.parse(bytes);
  const read = layoutReader(layoutOf(full.toString())!, [])!;
  const by = (bytes: Buffer) => read(bytes, 0, bytes.length, new ValueReader(new Texts()), { isChecked: false });
  expect(by(full)).toEqual({ id: "a", n: 1, trace: "t" });
  expect(by(bare)).toBe(OTHER_LAYOUT);
  expect(reader.parse(bare)).toEqual({ id: "b", n: 2 });
});

test("objects within are read by a layout, too", () => {
  const layout = layoutOf('{"a":{"b":1,"c":{}},"d":{"b":{"e":"x"}}}')!;
  expect(layout.between).toEqual(['{"a":{"b":', ',"c":{}},"d":{"b":{"e":', "}}}"]);
  const read = layoutReader(layout, [])!;
  const by = (text: string) =>
    read(Buffer.from(text), 0, text.length, new ValueReader(new Texts()), { isChecked: false });
  expect(by('{"a":{"b":"y","c":{}},"d":{"b":{"e":2}}}')).toEqual({ a: { b: "y", c: {} }, d: { b: { e: 2 } } });
  expect(by('{"a":{"b":"y","c":[]},"d":{"b":{"e":2}}}')).toBe(OTHER_LAYOUT);
  expect(layoutOf('{"a":{"__proto__":{"b":1}}}')).toBeUndefined();
  expect(layoutOf(`{"a":1,${" ".repeat(8_000)}"b":2}`)?.areTexts).toEqual([false, false]);
  expect(layoutOf(`{"a":1,${" ".repeat(8_192)}"b":2}`)).toBeUndefined(); // it would become as much code
  expect(layoutOf(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`)).toBeUndefined();
});

test("objects that were read do not share anything that one could change", () => {
  const reader = new JsonReader();
  const bytes = Buffer.from('{"id":"a","n":1}');
  const [, first, second] = [1, 2, 3].map(() => reader.parse(bytes) as Record<string, unknown>);
  first!["id"] = "changed";
  delete first!["n"];
  expect(second).toEqual({ id: "a", n: 1 });
  expect(reader.parse(bytes)).toEqual({ id: "a", n: 1 });
});

test("what is kept of texts is bounded, and texts that fall on one place are told apart", () => {
  const texts = new Texts();
  const of = (text: string, hash: number) => texts.of(Buffer.from(text), 0, text.length, hash);
  expect(of("abc", 7)).toBe("abc");
  expect(of("abd", 7)).toBe("abd");
  expect(of("ab", 7)).toBe("ab");
  expect(of("abc", 7)).toBe("abc");
});
