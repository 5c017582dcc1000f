import fc from "fast-check";
import { expect, test } from "vitest";
import { recordsByShard } from "../../../lib/connectors/kinesis/event.ts";
import { parseEvent, recordsRead } from "../../../lib/connectors/kinesis/unparsed-event.ts";
import {
  ARN,
  SHARDS,
  event,
  expectAsJson,
  known,
  learn,
  none,
  outcome,
  parse,
  parsed,
  recordOf,
  sorted,
  type Values,
} from "./events.ts";

const usual: fc.Arbitrary<Values> = fc.record({
  partitionKey: fc.string({ unit: fc.constantFrom(..."aZ0 ~|:,}{]["), maxLength: 20 }),
  sequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 56n }).map(String),
  data: fc.base64String({ maxLength: 40 }),
  approximateArrivalTimestamp: fc.nat({ max: 2e12 }).map((millis) => millis / 1_000),
  shard: fc.constantFrom(...SHARDS),
});

/** With what is not read by its text: most escapes, numbers of another form, other fields. */
const unusual = fc.record({
  partitionKey: fc.oneof(fc.string({ unit: "binary", maxLength: 5 }), fc.constantFrom('"', "\\", "\n", "ä", "漢")),
  sequenceNumber: fc.oneof(fc.constantFrom("", "00", "-1", "1e3", "1".repeat(129), "1".repeat(130)), fc.string()),
  data: fc.string({ unit: "binary" }),
  approximateArrivalTimestamp: fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(-0, 1e300, 1.2345, 1e12)),
  shard: fc.constantFrom("", "a:b", "shard", "é", "s".repeat(129)),
});

const record = fc
  .tuple(
    usual,
    fc.option(unusual),
    fc.uniqueArray(fc.constantFrom("partitionKey", "sequenceNumber", "data", "approximateArrivalTimestamp", "shard"), {
      maxLength: 1,
    }),
    fc.constantFrom({}, {}, {}, { eventID: 5 }, { extra: 0 }, { extra: { deep: [1] } }, { kinesis: null }),
  )
  .map(([values, odd, which, others]) =>
    recordOf(
      odd === null ? values : { ...values, ...Object.fromEntries(which.map((name) => [name, odd[name as "data"]])) },
      others,
    ),
  );

/** In their order, as a shard has them, or nearly so. */
const records = (of: fc.Arbitrary<object>) =>
  fc.tuple(fc.array(of, { minLength: 1, maxLength: 6 }), fc.boolean()).map(([all, isSorted]) => {
    const sequence = (one: object) => {
      const text = (one as { kinesis?: { sequenceNumber?: string } | null }).kinesis?.sequenceNumber ?? "";
      return text.padStart(200, "0");
    };
    return isSorted ? all.sort((a, b) => (sequence(a) < sequence(b) ? -1 : 1)) : all;
  });

/** Fields in another order, the same in all records. */
const inOrder = (records: readonly object[], seed: number): readonly object[] => {
  const shuffled = (object: object): object =>
    Object.fromEntries(
      Object.entries(object)
        .map(([name, value], i): readonly [number, string, unknown] => [
          ((i + 1) * seed) % 13,
          name,
          name === "kinesis" && value ? shuffled(value as object) : value,
        ])
        .sort(([a], [b]) => a - b)
        .map(([, name, value]): [string, unknown] => [name, value]),
    );
  return records.map(shuffled);
};

/** How a text is written, and what becomes of it. */
const changed = (text: string) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(text) },
    fc.constant(JSON.stringify(JSON.parse(text), undefined, 1)),
    fc.constant(text.replaceAll('"extra":0', '"extra":-0')),
    fc.constantFrom(`${text}\n`, ` ${text}`, text.replace(/}]}$/, '}],"x":[{}]}'), text.replace(/}]}$/, "},]}")),
    fc
      .tuple(
        fc.nat({ max: text.length }),
        fc.nat({ max: 3 }),
        fc.string({ unit: fc.constantFrom(...'",:{}[]\\0-.e\u0000\né'), maxLength: 2 }),
      )
      .map(([at, without, put]) => text.slice(0, at) + put + text.slice(at + without)),
  );

/** Events of one stream, the first of which teaches what they look like. */
const texts = fc.nat({ max: 12 }).chain((seed) => {
  const textOf = (all: readonly object[]) => JSON.stringify({ Records: inOrder(all, seed) });
  const event = records(
    fc.oneof(
      usual.map((one) => recordOf(one)),
      record,
    ),
  ).chain((all) => changed(textOf(all)));
  return fc.array(event, { minLength: 1, maxLength: 4 }).map((all) => [textOf([known]), ...all]);
});

test("an event is what JSON.parse has, whatever came before, and so are its records by shard", () => {
  let read = 0;
  fc.assert(
    fc.property(texts, (all) => {
      for (const text of all) {
        const expected = parsed(text);
        const event = outcome(() => parseEvent(text, parse));
        if (!("value" in expected) || !("value" in event)) {
          expect(event).toEqual(expected);
          continue;
        }
        if (recordsRead(event.value) !== undefined) read++;
        expect(sorted(event.value)).toEqual(sorted(expected.value));
        expect(event.value).toStrictEqual(expected.value);
        expect(JSON.stringify(event.value)).toBe(JSON.stringify(expected.value));
      }
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(500);
});

test("JSON.parse is asked for the first event of a stream alone", () => {
  const arn = `${ARN}-of-one`;
  learn(event({}).replaceAll(ARN, arn), arn);
  const again = parseEvent(event({ data: "eW91" }, { shard: SHARDS[1]! }).replaceAll(ARN, arn), none);
  expect(recordsByShard(again as { Records: unknown[] }, arn)).toMatchObject([
    { partition: SHARDS[0], records: [{ base64: "eW91", arrival: 1_545_084_650_987 }] },
    { partition: SHARDS[1], records: [{ position: { sequence: "2", index: 0 } }] },
  ]);
});

test("events of keys with several fields, and of other scripts, are read", () => {
  learn(event({}));
  const text = event({ partitionKey: '["UA",17]' }, { partitionKey: "é漢" }, { partitionKey: '\\"\\' });
  const read = parseEvent(text, none);
  expect(sorted(read)).toEqual(sorted(JSON.parse(text)));
  expect(read).toEqual(JSON.parse(text));
});

test.each([200_000, 6_000_000])("a payload of %i characters is read as any", (length) => {
  learn(event({}));
  const data = "A".repeat(length);
  const text = event({}, { data }, { data: "aGk=" }, { data: data.slice(0, 1_000_000) }, {});
  const read = parseEvent(text, none);
  expect(recordsRead(read)).toBeDefined();
  expect(sorted(read)).toEqual(sorted(JSON.parse(text)));
  expect(recordsRead(parseEvent(text.slice(0, -3), (wrong) => wrong))).toBeUndefined();
});

test.each([
  "0",
  "0.1",
  "1.005",
  "999999999.999",
  "8640000000",
  "8640000000000",
  "8640000000001",
  "999999999999.999",
  "1e9",
])("a record that arrived at %s", (seconds) => {
  learn(event({}));
  expectAsJson(event({}).replace("1545084650.987", seconds));
});

test("records of another stream are refused, and not learned from", () => {
  const text = event({});
  learn(text);
  const other = text.replaceAll(ARN, "another");
  expect(sorted(parseEvent(other, parse))).toMatchObject({ error: expect.stringContaining("is bound to") });
  expect(recordsRead(parseEvent(other, parse))).toBeUndefined();
  expect(recordsRead(parseEvent(text, none))).toBeDefined();
});

test("a shard's records that do not ascend are refused", () => {
  learn(event({}));
  const read = parseEvent(event({ sequenceNumber: "10" }, { sequenceNumber: "9" }), none);
  expect(sorted(read)).toMatchObject({ error: expect.stringContaining("Record 1 of the event, 9 of") });
});

test("texts that are not read again and again are left alone for a while", () => {
  learn(event({}));
  const odd = event({ partitionKey: "\n" });
  for (let i = 0; i < 4; i++) parseEvent(odd, parse);
  let n = 0;
  for (; recordsRead(parseEvent(event({}), parse)) === undefined; n++) expect(n).toBeLessThan(1_000);
  expect(n).toBe(64);
});

test("names that look like those within are not taken for them", () => {
  const odd = (more: object, within: object = {}) => {
    const record = { partitionKey: "x", ...known, ...more };
    return JSON.stringify({ Records: [{ ...record, kinesis: { ...within, ...record.kinesis } }] });
  };
  expectAsJson(odd({}), odd({}), odd({ eventID: "t:2" }), odd({ sequenceNumber: "5" }), odd({ sequenceNumber: "6" }));
  const inner = (partitionKey: string) => odd({}, { kinesis: { partitionKey } });
  const outer = (text: string) => text.replaceAll('"partitionKey":"a"', '"partitionKey":"b"');
  expectAsJson(
    inner("a"),
    inner("a"),
    inner("b"),
    outer(inner("b")),
    odd({}, { "kinesis data": "" }),
    odd({}, { "kinesis data": "b" }),
  );
});

test.each<[string, (text: string) => string]>([
  ["a semicolon between records", (text) => text.replace("},{", "};{")],
  ["another end", (text) => text.replace("]}", "}]")],
  ["another end", (text) => text.replace("]}", "]]")],
  ["a line's end in a key", (text) => text.replace('"a"', '"\n"')],
  ["a line's end in a payload", (text) => text.replace("aGk=", "aG\n=")],
  ["an escape in a key", (text) => text.replace('"a"', '"\\u0061"')],
  ["an escape in a payload", (text) => text.replace("aGk=", "\\/Gk=")],
  ["a letter beyond ASCII", (text) => text.replace('"a"', '"é"')],
  ["a letter whose lowest byte is ASCII", (text) => text.replace('"a"', '"\u0161"')],
  ["another beginning", (text) => text.replace('{"Records":[', '{"Other":[  ')],
  ["two events", (text) => text + text],
])("%s", (_what, change) => {
  const text = event({}, {});
  expect(change(text)).not.toBe(text);
  expectAsJson(text, text, change(text), text);
});

test("zero is not the negative one", () => {
  const extra = (zero: string) =>
    JSON.stringify({ Records: [{ ...known, extra: 1 }] }).replace('"extra":1', `"extra":${zero}`);
  expectAsJson(extra("-0"), extra("0"), extra("-0"), extra("0.0"));
});

test.each<[string, object]>([
  ["longer than Lambda's are", { invokeIdentityArn: "r".repeat(10_000) }],
  ["with a list", { extra: [] }],
  ["with an object", { extra: {} }],
])("a record %s is not learned from", (_what, more) => {
  const text = JSON.stringify({ Records: [{ ...known, ...more }] });
  learn(text);
  expect(recordsRead(parseEvent(text, parse))).toBeUndefined();
});

test("values that JSON does not have are not learned from", () => {
  for (const extra of [1n, undefined, Number.NaN, -0, () => 0]) {
    recordsByShard({ Records: [{ ...known, extra }] }, ARN);
    expectAsJson(JSON.stringify({ Records: [{ ...known, extra: 0 }] }));
  }
});
