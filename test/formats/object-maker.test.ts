import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { objectMaker } from "../../lib/object-maker.ts";

const HOSTILE = [
  "__proto__",
  "constructor",
  "a: 1, b",
  "a };globalThis.broken = 1;({",
  "\n",
  "'",
  '"',
  "`${1}`",
  "a\\u0062",
  "é",
  "a-b",
];
const FIELD = fc.oneof(fc.constantFrom("id", "class", "get", "async", "$", "_0", "0", "10", ...HOSTILE), fc.string());

const same = (fields: readonly string[], values: readonly unknown[]): void => {
  const made = objectMaker(fields)(values);
  const expected = Object.fromEntries(fields.map((field, i) => [field, values[i]]));
  expect(Object.entries(made)).toEqual(Object.entries(expected));
  expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
};

afterEach(() => vi.unstubAllGlobals());

test("an object has the fields it was to have, in their order, whatever they are called", () => {
  fc.assert(
    fc.property(fc.array(FIELD, { maxLength: 80 }), (fields) =>
      same(
        fields,
        fields.map((_, i) => i),
      ),
    ),
    {
      numRuns: 2_000,
    },
  );
  expect(globalThis).not.toHaveProperty("broken");
});

test.each(HOSTILE)("%j does not get into code", (name) => {
  const made = vi.fn(Function);
  vi.stubGlobal("Function", made);
  same(["id", name], [1, 2]);
  if (name !== "constructor") expect(made).not.toHaveBeenCalled(); // that is a name like others
});

test("an object is made where no code may be made of texts", () => {
  vi.stubGlobal("Function", () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  });
  same(["id", "at"], [1, 2]);
});
