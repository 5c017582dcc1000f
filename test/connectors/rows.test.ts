import {
  bigint,
  bool,
  double,
  eventBus,
  kinesis,
  nullable,
  partitionKeyOf,
  pipeline,
  queue,
  stream,
  text,
  timestamp,
} from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { traceHeaderOf } from "../../lib/connectors/eventbridge/sink.ts";
import { partsOf, withId } from "../../lib/connectors/row.ts";
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

describe("keys of a stream", () => {
  test("are the texts that a source with the same key expects", () => {
    const sink = stream("enriched", { shop: text, n: double }, { key: { shop: (row) => row.shop, n: (row) => row.n } });
    const { head, row: json } = partsOf(encode(sink, { shop: "a", n: 5e-7 }));
    const { shop, n } = JSON.parse(withId("id", json)) as { shop: string; n: number };
    expect(head["key"]).toBe(partitionKeyOf({ shop, n }));
  });

  test.each(["", "x".repeat(257), Number.NaN, undefined, "\ud800"])("X7: %o is no key", (key) => {
    const sink = stream("enriched", { shop: text }, { key: { key: () => key as string } });
    expect(() => encode(sink, { shop: "a" })).toThrow(expect.objectContaining({ kind: "poison" }) as Error);
  });

  test("a row's id has its place", () => {
    expect(() => stream("enriched", { output_id: text })).toThrow(/where a row's id belongs/);
    const sink = stream("enriched", z.looseObject({ shop: z.string() }));
    expect(() => encode(sink, { shop: "a", output_id: "b" })).toThrow(/where its id belongs/);
    expect(withId("a", "{}")).toBe('{"output_id":"a"}');
    expect(() => stream("enriched", { shop: text }, { key: {} })).toThrow(/no field/);
  });
});

describe("events", () => {
  const options = { source: "com.example", detailType: (row: { shop: string }) => row.shop };
  const traced = (trace: string | undefined) =>
    partsOf(encode(eventBus("shops", { shop: text }, { ...options, trace: () => trace }), { shop: "Closed" })).head;

  test("go on with the trace of what they are made of, in X-Ray's words", () => {
    const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    expect(traced(parent)).toEqual({ type: "Closed", trace: parent });
    expect(traceHeaderOf(parent)).toBe("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1");
    for (const none of [undefined, "", parent.replace(/01$/, "00")]) expect(traced(none)).toEqual({ type: "Closed" });
  });

  test("X7: a detail type that is none is poison, or refused where it is said beforehand", () => {
    const sink = eventBus("shops", { shop: text }, options);
    for (const shop of ["", "x".repeat(129)]) expect(() => encode(sink, { shop })).toThrow(/takes 1 to 128/);
    expect(() => eventBus("shops", { shop: text }, { source: "a", detailType: "" })).toThrow(/detail type is none/);
    for (const source of ["", "aws.s3", "x".repeat(257)])
      expect(() => eventBus("shops", { shop: text }, { source, detailType: "b" })).toThrow(/source .* is none/);
  });
});
