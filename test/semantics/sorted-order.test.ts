import fc from "fast-check";
import { expect, test } from "vitest";
import { sortedOrder } from "../../lib/state/sorted-order.ts";

/** The texts in the order found, and how many were dealt with, in all and at once at most. */
function sorted(texts: readonly string[], ends?: readonly number[]) {
  const parts = sortedOrder(texts, ends);
  let [dealt, most] = [0, 0];
  for (;;) {
    const { done, value } = parts.next();
    if (done === true) return { dealt, most, texts: Array.from(value, (place) => texts[place]!) };
    dealt += value;
    most = Math.max(most, value);
  }
}

const text = fc.string({ unit: "binary", maxLength: 4 });

test("few or many, however they lie: in the order of `<`, each once", () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (some, times) => {
      const texts = Array.from({ length: times }, (_, n) => some.map((one) => `${one}${n}`)).flat();
      expect(sorted(texts).texts).toEqual(texts.toSorted());
    }),
    { numRuns: 60 },
  );
});

test("stretch by stretch, long ones and short ones and such as have nothing", () => {
  const lengths = [0, 5, 12, 13, 0, 40, 1, 9_000, 3, 0];
  const parts = lengths.map((length, n) => Array.from({ length }, (_, i) => String((i * 7_919 + n) % 9_001)));
  const texts = parts.flat();
  let at = 0;
  const ends = parts.map(({ length }) => (at += length));
  const found = sorted(texts, ends);
  expect(found.texts).toEqual(parts.flatMap((part) => part.toSorted()));
  expect(found.dealt).toBe(2 * texts.length);
});

test.each([
  ["in order", (n: number) => String(n).padStart(7, "0")],
  ["in the other order", (n: number) => String(9_999_999 - n)],
  ["mixed", (n: number) => String((n * 7_919) % 1_000_003)],
  ["by turns of eight", (n: number) => `tenant-${n % 8}/${n}`],
  ["by turns of five hundred and twelve", (n: number) => `${n % 512}/${n}`],
  ["all the same", () => "same"],
])("a hundred thousand, %s", (how, nameOf) => {
  const texts = Array.from({ length: 100_000 }, (_, n) => nameOf(n));
  const { most, texts: found } = sorted(texts);
  expect(found).toEqual(texts.toSorted());
  // No part is much larger than others: a turn that has a time for it keeps to it.
  if (how !== "all the same") expect(most).toBeLessThan(16_384);
});
