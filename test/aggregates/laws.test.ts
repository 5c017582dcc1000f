import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CODEC, decodeBody, encodeBody } from "../../lib/state/codec.ts";
import { catalogue, fold, ORDERED, reading, type Entry, type Open } from "./catalogue.ts";

const readings = fc.array(reading, { maxLength: 25 });
const someReadings = fc.array(reading, { minLength: 1, maxLength: 25 });

/** Merged as a tree that the numbers choose: neighbours, in any order. */
function mergeAnyhow(aggregate: Open, parts: readonly unknown[], choices: readonly number[]): unknown {
  const left = [...parts];
  for (let i = 0; left.length > 1; i++) {
    const at = (choices[i % choices.length] ?? 0) % (left.length - 1);
    left.splice(at, 2, aggregate.merge(left[at], left[at + 1]));
  }
  return left[0] ?? aggregate.init();
}

function expectSame({ aggregate, exact }: Entry, a: unknown, b: unknown): void {
  if (exact) expect(a).toStrictEqual(b);
  else {
    const [x, y] = [aggregate.result(a), aggregate.result(b)] as [number | undefined, number | undefined];
    if (x === undefined || y === undefined) expect(x).toBe(y);
    else expect(Math.abs(x - y)).toBeLessThanOrEqual(1e-13 * Math.abs(x));
  }
}

function freeze<V>(value: V): V {
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}

describe.each(Object.entries(catalogue))("%s", (name, entry) => {
  const { aggregate } = entry;

  test("however a stream is cut into parts and these are merged, the accumulator is the same", () => {
    fc.assert(
      fc.property(fc.array(readings, { maxLength: 5 }), fc.array(fc.nat(), { minLength: 1 }), (parts, choices) => {
        const merged = mergeAnyhow(
          aggregate,
          parts.map((part) => fold(aggregate, part)),
          choices,
        );
        if (parts.flat().length === 0) expect(merged).toStrictEqual(aggregate.init());
        else expectSame(entry, merged, fold(aggregate, parts.flat()));
      }),
    );
  });

  test("init() is neutral", () => {
    fc.assert(
      fc.property(someReadings, (all) => {
        const kept = fold(aggregate, all);
        expect(aggregate.merge(kept, aggregate.init())).toStrictEqual(kept);
        expect(aggregate.merge(aggregate.init(), kept)).toStrictEqual(kept);
      }),
    );
  });

  test("adding a record is merging with its own accumulator", () => {
    fc.assert(
      fc.property(readings, reading, (all, one) => {
        const merged = aggregate.merge(fold(aggregate, all), fold(aggregate, [one]));
        expectSame(entry, fold(aggregate, [...all, one]), merged);
      }),
    );
  });

  test("the order of records does not matter, but where order of arrival decides", () => {
    const distinctTimes = fc.uniqueArray(reading, { selector: ({ time }) => time, minLength: 1, maxLength: 10 });
    const records = ORDERED.has(name) ? distinctTimes : someReadings;
    fc.assert(
      fc.property(
        records.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        fc.nat(),
        ([all, shuffled], cut) => {
          if (name === "custom") return;
          const at = cut % all.length;
          const [a, b] = [fold(aggregate, shuffled.slice(0, at)), fold(aggregate, shuffled.slice(at))];
          expectSame(entry, aggregate.merge(b, a), fold(aggregate, all));
          expectSame(entry, aggregate.merge(a, b), fold(aggregate, all));
        },
      ),
    );
  });

  test("X7: an accumulator never changes, whatever is added, merged or done to its result", () => {
    fc.assert(
      fc.property(someReadings, readings, (all, more) => {
        const kept = freeze(fold(aggregate, all));
        const other = freeze(fold(aggregate, more));
        const copy = structuredClone(kept);
        fold({ ...aggregate, init: () => kept }, more);
        aggregate.merge(kept, other);
        aggregate.merge(other, kept);
        const result = aggregate.result(kept);
        if (Array.isArray(result)) (result as unknown[]).reverse().push("changed");
        else if (typeof result === "object" && result !== null) Object.assign(result, { changed: true });
        expect(kept).toStrictEqual(copy);
      }),
    );
  });

  test("an accumulator comes back from storage as it was, and restore() takes it", () => {
    fc.assert(
      fc.property(readings, (all) => {
        const kept = fold(aggregate, all);
        const stored = decodeBody(encodeBody(kept), CODEC, "an accumulator");
        expect(aggregate.restore?.(stored)).toStrictEqual(kept);
      }),
    );
  });

  test("an accumulator is made of what may travel between stages", () => {
    const mayTravel = (value: unknown): boolean => {
      if (value === null || value === undefined || typeof value === "boolean" || typeof value === "string") return true;
      if (typeof value === "number") return Number.isFinite(value);
      if (typeof value === "bigint") return BigInt.asIntN(64, value) === value;
      if (Array.isArray(value)) return value.every(mayTravel);
      if (value instanceof Uint8Array) return Object.getPrototypeOf(value) === Uint8Array.prototype;
      return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(mayTravel);
    };
    fc.assert(fc.property(readings, (all) => mayTravel(fold(aggregate, all))));
  });

  test("restore() refuses what no accumulator is", () => {
    const wrong: unknown[] = [
      undefined,
      true,
      Number.NaN,
      -1.5,
      "x",
      {},
      [{}],
      [[1, 2, 3, 4]],
      new Uint8Array(5),
      [Infinity],
    ];
    if (name === "max of texts" || name === "min of numbers" || name === "min of bigints" || name === "max of numbers")
      wrong.splice(wrong.indexOf(-1.5), 2); // these are accumulators of one of them
    for (const stored of wrong) expect(() => aggregate.restore?.(stored), String(stored)).toThrow();
    fc.assert(
      fc.property(fc.anything(), (stored) => {
        fc.pre(!Object.is(stored, -0)); // which is not stored
        let restored: unknown;
        try {
          restored = aggregate.restore?.(stored);
        } catch {
          return;
        }
        // What it takes can be worked with.
        if (!entry.exact || ORDERED.has(name)) return;
        expect(aggregate.merge(restored, aggregate.init())).toStrictEqual(restored);
      }),
    );
  });
});

test("shapes differ where accumulators of one are none of another's", () => {
  const moments = ["varSamp", "stddevPop", "stddevSamp"]; // share varPop's
  const shapes = Object.entries(catalogue)
    .filter(([name]) => !moments.includes(name) && !name.endsWith("bigints") && !name.endsWith("numbers"))
    .map(([, { aggregate }]) => aggregate.shape);
  expect(new Set(shapes).size).toBe(shapes.length);
  for (const name of moments) expect(catalogue[name]!.aggregate.shape).toBe(catalogue["varPop"]!.aggregate.shape);
});

test.each<[name: string, stored: unknown]>([
  ["mean", [0.5, 1, 0]],
  ["mean", [-1, 1, 0]],
  ["varPop", [1.5, [0, 0], [0, 0]]],
  ["varPop", [1, [0, 0], [0, Number.NaN]]],
  ["sumExact", "1.5"],
  ["sumDecimal", "1e3"],
  [
    "topN",
    [
      [1, 0, "a"],
      [2, 0, "b"],
    ],
  ],
  [
    "topN",
    [
      [1, 0, "a"],
      ["1", 0, "b"],
    ],
  ],
  ["topN", Array(4).fill([1, 0, "a"])],
  [
    "collect",
    [
      [2, "a"],
      [1, "b"],
    ],
  ],
  ["collect", Array(5).fill([1, "a"])],
  ["distinct", ["b", "a"]],
  ["distinct", ["a", "a"]],
  ["distinct", ["a", "b", "c", "d", "e"]],
  ["approxPercentile", [0, 1, 0, [], [2, 1, 1, 1]]],
  ["approxPercentile", [0, 1, 0, [], [1, 0]]],
  ["approxPercentile", [0, 1, 0, [], [1]]],
  ["approxPercentile", [0, 1, -1, [], []]],
  ["filtered count", [1, 1]],
  ["filtered count", ["x"]],
])("%s: restore() refuses %j", (name, stored) => {
  expect(() => catalogue[name]!.aggregate.restore?.(stored)).toThrow();
});
