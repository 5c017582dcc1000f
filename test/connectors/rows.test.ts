import { bigint, bool, double, kinesis, nullable, pipeline, queue, text, timestamp } from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { partsOf } from "../../lib/connectors/row.ts";
import type { SinkRow } from "../../lib/pipeline/sink.ts";

const columns = { shop: text, cents: bigint, share: double, open: bool, at: timestamp, note: nullable(text) };
const row = { shop: "a", cents: 2n ** 62n, share: 0.5, open: true, at: 1_000 };
const encode = (sink: { readonly encode: unknown }, value: unknown) => (sink.encode as (row: unknown) => string)(value);

describe("rows of columns", () => {
  const sink = queue("alerts", columns);

  test("are JSON of the fields by their names, and come back as they were", () => {
    const body = encode(sink, { ...row, note: 'a "quote"\n😀\uffff' });
    expect(body).toBe(
      '{"shop":"a","cents":4611686018427387904,"share":0.5,"open":true,"at":1000,"note":"a \\"quote\\"\\n\\ud83d\\ude00\\uffff"}',
    );
    expect(sink.decode(body)).toEqual({ ...row, note: 'a "quote"\n😀\uffff' });
    expect(sink.decode(encode(sink, row))).toEqual(row);
  });

  test.each([
    ["cents", 0.5],
    ["cents", 2n ** 63n],
    ["share", Number.NaN],
    ["shop", "\ud800"],
    ["shop", undefined],
    ["open", 1],
    ["at", 1e17],
    ["note", null],
  ])("X7: a %s of %s is poison", (field, value) => {
    expect(() => encode(sink, { ...row, [field]: value })).toThrow(
      expect.objectContaining({ kind: "poison", code: "sink/row", message: expect.stringContaining(field) as string }),
    );
  });

  test("no columns are refused, and names that are none", () => {
    expect(() => queue("alerts", {})).toThrow(/no columns/);
    expect(() => queue("alerts", { "a-b": text })).toThrow(/field named "a-b"/);
    expect(() => queue("1", columns)).toThrow(/cannot be named/);
  });
});

describe("rows of a schema", () => {
  const schema = z.object({ shop: z.string().min(1), items: z.array(z.object({ id: z.number() })) });
  const sink = queue("orders", schema);

  test("are what it takes, as JSON has it", () => {
    expectTypeOf<SinkRow<typeof sink>>().toEqualTypeOf<z.input<typeof schema>>();
    const order = { shop: "ä", items: [{ id: 1 }] };
    expect(encode(sink, order)).toBe('{"shop":"ä","items":[{"id":1}]}');
    expect(sink.decode(encode(sink, order))).toEqual(order);
  });

  test.each([
    [{ shop: "", items: [] }, /shop/],
    [{ shop: "a", items: [{ id: Number.NaN }] }, /items\.0\.id/], // null, once it is JSON
    [{ shop: "a", items: [{ id: 1n }] }, /no JSON/],
    [null, /no object/],
    [[], /no object/],
    [undefined, /no object/],
  ])("X7: %o is poison", (value, message) => {
    expect(() => encode(sink, value)).toThrow(message);
    expect(() => encode(sink, value)).toThrow(expect.objectContaining({ kind: "poison", code: "sink/row" }));
  });
});

describe("groups of a FIFO queue", () => {
  const group = (value: unknown) =>
    partsOf(encode(queue("alerts", { shop: text }, { fifo: { groupId: () => value as string } }), { shop: "a" })).head[
      "group"
    ];

  test("are texts as they are, or their hashes where SQS takes no such text", () => {
    expect(group("ORD")).toBe("ORD");
    expect(group("a".repeat(128))).toBe("a".repeat(128));
    for (const other of ["", "a b", "é", "a".repeat(129)]) expect(group(other)).toMatch(/^[0-9a-f]{64}$/);
    expect(group("a b")).not.toBe(group("a c"));
  });

  test("X7: what is no text is poison", () => {
    for (const other of [undefined, 1, null, {}]) expect(() => group(other)).toThrow(/group of a row .* no text/);
  });
});

const events = kinesis("events", {
  schema: z.object({ shop: z.string(), at: z.number() }),
  eventTime: (event) => event.at,
  disorder: {},
});

test("a row that does not fit is a compile error, and user code that throws is a dead letter", () => {
  const alerts = queue(
    "alerts",
    { shop: text },
    {
      fifo: {
        groupId: (row) => {
          if (row.shop === "bad") throw new Error("No group.");
          return row.shop;
        },
      },
    },
  );
  const flowing = pipeline("alerting", (flow) => {
    const stream = flow.from(events);
    // @ts-expect-error -- `at` has no column
    void ((): unknown => stream.to(alerts));
    stream.map("row", ({ shop }) => ({ shop })).to(alerts);
    return { stream };
  });
  const driver = testDriver(flowing);
  for (const [at, shop] of ["a", "bad", "b"].entries()) driver.push(events, { shop, at });
  expect(driver.read(alerts)).toEqual([{ shop: "a" }, { shop: "b" }]);
  expect(driver.deadLetters()).toMatchObject([{ operator: "alerts", reason: { message: "No group." } }]);
});
