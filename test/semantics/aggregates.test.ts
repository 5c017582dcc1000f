import fc from "fast-check";
import { count, max, mean, min, sum, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import type { AggregateOf } from "../../lib/aggregates/aggregate.ts";
import { decodeKey, encodeKey, partitionKeyOf } from "../../lib/state/key.ts";
import { compareSequences } from "../../lib/state/position.ts";
import { packRows } from "../../lib/connectors/firehose/deliver.ts";
import { wholeText } from "../../lib/state/cut-text.ts";
import { lakeRowCutter } from "../../lib/connectors/firehose/row.ts";

type Numeric = AggregateOf<number, unknown, unknown, number>;
const all: Record<string, Numeric> = {
  count: count() as unknown as Numeric,
  sum: sum((x: number) => x) as unknown as Numeric,
  mean: mean((x: number) => x) as unknown as Numeric,
  min: min((x: number) => x) as unknown as Numeric,
  max: max((x: number) => x) as unknown as Numeric,
};
const foldAll = (aggregate: Numeric, values: readonly number[]) =>
  values.reduce<unknown>(
    (accumulator, value) => aggregate.add(accumulator, aggregate.input(value, 0)),
    aggregate.init(),
  );

describe("aggregates", () => {
  for (const [name, aggregate] of Object.entries(all)) {
    test(`${name}: merging parts gives what folding the whole gives`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1 }),
          fc.array(fc.integer({ min: -1e6, max: 1e6 })),
          (a, b) => {
            const merged = aggregate.merge(foldAll(aggregate, a), foldAll(aggregate, b));
            expect(aggregate.result(merged)).toBe(aggregate.result(foldAll(aggregate, [...a, ...b])));
          },
        ),
      );
    });

    test(`${name}: an accumulator that is kept does not change`, () => {
      const before = foldAll(aggregate, [1, 2, 3]);
      const copy = structuredClone(before);
      aggregate.add(before, aggregate.input(99, 0));
      aggregate.merge(before, foldAll(aggregate, [7]));
      expect(before).toEqual(copy);
    });
  }

  test("sum and mean do not cancel: 1e16 + 1 − 1e16 is 1", () => {
    expect(all["sum"]!.result(foldAll(all["sum"]!, [1e16, 1, -1e16]))).toBe(1);
    expect(all["mean"]!.result(foldAll(all["mean"]!, [1e16, 3, -1e16]))).toBe(1);
  });
});

test("every time is in exactly one tumbling window, before 1970 too, with any offset", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e12, max: 1e12 }),
      fc.integer({ min: 1, max: 1e7 }),
      fc.nat(1e7),
      (time, size, shift) => {
        const { assign } = tumbling({ millis: size }, { offset: { millis: shift % size } });
        const startOf = (at: number) => assign(at)[0]!.start;
        expect(assign(time)).toHaveLength(1);
        expect(assign(time)[0]!.end).toBe(assign(time)[0]!.start + size);
        const start = startOf(time);
        expect(start <= time && time < start + size).toBe(true);
        expect(startOf(start)).toBe(start);
        expect(startOf(start + size)).toBe(start + size);
        expect(Math.abs((start - (shift % size)) % size)).toBe(0);
      },
    ),
  );
});

const keyValue = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt(), fc.boolean());

test("keys: different keys have different codes, and a code gives its key back", () => {
  fc.assert(
    fc.property(
      fc.array(keyValue, { minLength: 1, maxLength: 3 }),
      fc.array(keyValue, { minLength: 1, maxLength: 3 }),
      (a, b) => {
        const key = (values: typeof a) => Object.fromEntries(values.map((value, i) => [`f${i}`, value]));
        const back = decodeKey(Object.keys(key(a)), encodeKey(key(a)));
        expect(back).toEqual(key(a.map((value) => (Object.is(value, -0) ? 0 : value)))); // −0 and 0 are one key
        if (a.length === b.length && encodeKey(key(a)) === encodeKey(key(b)))
          expect(decodeKey(Object.keys(key(b)), encodeKey(key(b)))).toEqual(back);
      },
    ),
  );
});

test("the partition key of a key: a string as it is, a number in its shortest form, several fields as a JSON array", () => {
  expect(partitionKeyOf({ origin: "ORD" })).toBe("ORD");
  expect(partitionKeyOf({ n: 1e21 })).toBe("1e+21");
  expect(partitionKeyOf({ n: 0.1 })).toBe("0.1");
  expect(partitionKeyOf({ big: 12n })).toBe("12");
  expect(partitionKeyOf({ a: "x", b: 2, c: true })).toBe('["x",2,true]');
});

test("sequence numbers of 128 digits are ordered as numbers, not as text", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 128n }), fc.bigInt({ min: 0n, max: 10n ** 128n }), (a, b) => {
      expect(Math.sign(compareSequences(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test("rows are packed whole, in order, in records no larger than the limit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 40 }).map((s) => JSON.stringify({ s }))),
      fc.integer({ min: 300, max: 600 }),
      (rows, limit) => {
        const records = [...packRows(rows, { maxBytes: limit })].map(({ data }) => data);
        expect(records.map(String).join("")).toBe(rows.map((row) => `${row}\n`).join(""));
        expect(records.every((record) => record.length <= limit + 1)).toBe(true);
        for (let i = 1; i < records.length; i++) {
          const first = records[i]!.subarray(0, records[i]!.indexOf("\n") + 1).length;
          expect(records[i - 1]!.length + first).toBeGreaterThan(limit + 1); // no record could have been fuller
        }
      },
    ),
  );
});

describe("a row's field that does not fit its column is refused, and named", () => {
  const cut = lakeRowCutter("t", [
    { field: "text", name: "text", type: "string", nullable: false },
    { field: "whole", name: "whole", type: "bigint", nullable: true },
    { field: "number", name: "number", type: "double", nullable: true },
    { field: "at", name: "at", type: "timestamp", nullable: true },
    { field: "yes", name: "yes", type: "boolean", nullable: true },
  ]);
  const encode = (row: Record<string, unknown>) => wholeText(cut(row));
  const bad = [
    { text: 1 },
    { text: undefined },
    { text: "\ud800" },
    { whole: 1.5 },
    { whole: 2 ** 53 },
    { whole: 2n ** 63n },
    { whole: "1" },
    { whole: null },
    { number: Number.NaN },
    { number: Infinity },
    { at: 9e15 },
    { at: 0.5 },
    { yes: 1 },
  ];
  for (const row of bad) {
    test(
      Object.entries(row)
        .map(([field, value]) => `${field}: ${String(value)}`)
        .join(),
      () => {
        const [field] = Object.keys(row);
        expect(() => encode({ text: "a", ...row })).toThrow(new RegExp(`"t".*"${field}"`));
      },
    );
  }

  test("what fits becomes JSON that says the same", () => {
    const row = { text: 'a"\n\u2028é', whole: 2n ** 63n - 1n, number: -0.1, at: -1, yes: false };
    expect(encode(row)).toBe('{"text":"a\\"\\n\u2028é","whole":9223372036854775807,"number":-0.1,"at":-1,"yes":false}');
    expect(encode({ text: "" })).toBe('{"text":""}');
  });
});
