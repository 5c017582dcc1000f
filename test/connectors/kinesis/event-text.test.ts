import fc from "fast-check";
import { expect, test } from "vitest";
import { recordsByShard } from "../../../lib/connectors/kinesis/event.ts";
import { parseEvent, recordsRead } from "../../../lib/connectors/kinesis/unparsed-event.ts";

const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events";
const parse = (text: string): unknown => JSON.parse(text);

interface Values {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly data: string;
  readonly approximateArrivalTimestamp: number;
  readonly shard: string;
}

/** As Lambda has it. */
const recordOf = ({ shard, ...kinesis }: Values, others: object = {}) => ({
  kinesis: { kinesisSchemaVersion: "1.0", ...kinesis },
  eventSource: "aws:kinesis",
  eventVersion: "1.0",
  eventID: `${shard}:${kinesis.sequenceNumber}`,
  eventName: "aws:kinesis:record",
  invokeIdentityArn: "arn:aws:iam::000000000000:role/a+b",
  awsRegion: "us-east-1",
  eventSourceARN: ARN,
  ...others,
});

const SHARDS = ["shardId-000000000000", "shardId-000000000001"];

const usual: fc.Arbitrary<Values> = fc.record({
  partitionKey: fc.string({ unit: fc.constantFrom(..."aZ0 ~|:,}{]["), maxLength: 20 }),
  sequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 56n }).map(String),
  data: fc.base64String({ maxLength: 40 }),
  approximateArrivalTimestamp: fc.nat({ max: 2e12 }).map((millis) => millis / 1_000),
  shard: fc.constantFrom(...SHARDS),
});

/** With what is not read by its text: escapes, letters of other scripts, numbers of another form, other fields. */
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

const known = recordOf({
  ...{ partitionKey: "a", sequenceNumber: "1", data: "", approximateArrivalTimestamp: 1 },
  shard: "s",
});

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

/** What something comes to, or what it says is wrong. */
function outcome<T>(make: () => T): { readonly value: T } | { readonly error: string } {
  try {
    return { value: make() };
  } catch (thrown) {
    return { error: String(thrown) };
  }
}

const parsed = (text: string) => outcome(() => parse(text));
const sorted = (event: unknown) => outcome(() => recordsByShard(event as { Records: unknown[] }, ARN));

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

const event = (...values: readonly Partial<Values>[]) =>
  JSON.stringify({
    Records: values.map((some, i) =>
      recordOf({
        ...{
          partitionKey: "a",
          sequenceNumber: String(i + 1),
          data: "aGk=",
          approximateArrivalTimestamp: 1_545_084_650.987,
        },
        ...{ shard: SHARDS[0]!, ...some },
      }),
    ),
  });

/** A parser that has seen an event, and throws when it is used again. */
function once() {
  let uses = 0;
  return (text: string): unknown => {
    if (uses++ > 0) throw new Error("parsed once more");
    return JSON.parse(text);
  };
}

/** A stream's name that no other test has: a new one is learned. */
let streams = 0;
const ofNewStream = (text: string) => text.replaceAll(ARN, `${ARN}${++streams}`);

test("JSON.parse is asked for the first event of a stream alone", () => {
  const parser = once();
  const first = ofNewStream(event({}));
  const arn = `${ARN}${streams}`;
  parseEvent(first, parser);
  const again = parseEvent(event({ data: "eW91" }, { shard: SHARDS[1]! }).replaceAll(ARN, arn), parser);
  expect(recordsByShard(again as { Records: unknown[] }, arn)).toMatchObject([
    { partition: SHARDS[0], records: [{ base64: "eW91", arrival: 1_545_084_650_987 }] },
    { partition: SHARDS[1], records: [{ position: { sequence: "2", index: 0 } }] },
  ]);
});

test.each([32_000, 33_000, 200_000, 6_000_000])("a payload of %i characters is read as any", (length) => {
  const parser = once();
  parseEvent(event({}), parse);
  const data = "A".repeat(length);
  const text = event({}, { data }, { data: "aGk=" }, { data }, {});
  const read = parseEvent(text, parser);
  expect(recordsRead(read)).toBeDefined();
  expect(sorted(read)).toEqual(sorted(JSON.parse(text)));
  expect(recordsRead(parseEvent(text.slice(0, -3), (wrong) => wrong))).toBeUndefined();
});

test("what was changed in an event counts", () => {
  parseEvent(event({}), parse);
  const changedRecords = parseEvent(event({}, {}), parse) as { Records: { kinesis: { data: string } }[] };
  changedRecords.Records[0]!.kinesis.data = "eW91";
  expect(sorted(changedRecords)).toMatchObject({ value: [{ records: [{ base64: "eW91" }, { base64: "aGk=" }] }] });
  const replaced = parseEvent(event({}, {}), parse) as { Records: unknown[] };
  replaced.Records = [
    recordOf({ partitionKey: "b", sequenceNumber: "9", data: "", approximateArrivalTimestamp: 1, shard: "s" }),
  ];
  expect(sorted(replaced)).toMatchObject({ value: [{ partition: "s" }] });
});

test("records of another stream are refused", () => {
  const text = ofNewStream(event({}));
  parseEvent(text, parse);
  const read = parseEvent(text, parse);
  expect(recordsRead(read)).toBeDefined();
  expect(sorted(read)).toMatchObject({ error: expect.stringContaining("is bound to") });
});

test("a shard's records that do not ascend are refused", () => {
  parseEvent(event({}), parse);
  const read = parseEvent(event({ sequenceNumber: "10" }, { sequenceNumber: "9" }), parse);
  expect(recordsRead(read)).toBeDefined();
  expect(sorted(read)).toMatchObject({ error: expect.stringContaining("Record 1 of the event, 9 of") });
});

/** What these texts come to, one after the other, is what each comes to by itself. */
function expectAsJson(...all: readonly string[]): void {
  for (const text of all) {
    const read = outcome(() => parseEvent(text, parse));
    expect(read).toStrictEqual(parsed(text));
    if ("value" in read) expect(sorted(read.value)).toEqual(sorted(parse(text)));
  }
}

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

test("a record too long to be one of Lambda's is not learned", () => {
  const long = event({}).replaceAll("role/a+b", "r".repeat(1_000_000));
  for (let i = 0; i < 3; i++) expect(recordsRead(parseEvent(long, parse))).toBeUndefined();
});
