import {
  bigint,
  count,
  explain,
  kinesis,
  lake,
  pipeline,
  sqsQueue,
  stream,
  text,
  timestamp,
  tumbling,
  view,
  type Stream,
  type UnorderedStream,
} from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as z from "zod";

const order = z.object({ id: z.string(), shop: z.string(), cents: z.number() });
const orders = sqsQueue("orders", { schema: order });
const taken = lake("taken", { id: text, shop: text });
const streamed = kinesis("streamed", { schema: order, eventTime: () => 0, disorder: { seconds: 1 } });

/** A stream of a queue as one that has all operators: what types refuse, a caller of JavaScript tries. */
const untyped = (stream: UnorderedStream<z.infer<typeof order>>) =>
  stream as unknown as Stream<z.infer<typeof order>, { shop: string }>;

describe("a queue is asked for no more than it has", () => {
  test.each([
    ["keyBy", (all: ReturnType<typeof untyped>) => all.keyBy("by-shop", { shop: (o) => o.shop })],
    ["broadcast", (all: ReturnType<typeof untyped>) => all.broadcast("by-shop", { key: (o) => o.shop })],
  ])("%s is refused when the pipeline is built, by its name and the source's", (kind, build) => {
    expect(() => pipeline("p", (flow) => void build(untyped(flow.from(orders))))).toThrow(
      new RegExp(`${kind}\\("by-shop"\\).*sqs\\("orders"\\) have no order.*stream\\(…\\)`, "s"),
    );
  });

  test("a union with a queue is a queue, too", () => {
    expect(() =>
      pipeline("p", (flow) => {
        const all = (flow.from(streamed) as never as ReturnType<typeof untyped>).union(
          "all",
          untyped(flow.from(orders)),
        );
        all
          .keyBy("by-shop", { shop: (o) => o.shop })
          .window("hourly", tumbling({ hours: 1 }))
          .aggregate({ n: count() })
          .to(lake("counts", { shop: text, windowStart: timestamp, windowEnd: timestamp, n: bigint }));
      }),
    ).toThrow(/keyBy\("by-shop"\).*sqs\("orders"\)/s);
  });

  test("what it has not does not compile", () => {
    pipeline("p", (flow) => {
      const all = flow.from(orders);
      expectTypeOf(all).not.toHaveProperty("keyBy");
      expectTypeOf(all).not.toHaveProperty("broadcast");
      expectTypeOf(all).not.toHaveProperty("byKey");
      expect(() => untyped(all).byKey).toThrow(/byKey/);
      all
        .union("both", flow.from(streamed))
        .map("row", ({ id, shop }) => ({ id, shop }))
        .to(taken);
      const again = all.map("again", ({ id, shop }) => ({ id, shop }));
      again.metric("again-count");
      const unversioned = view("unversioned", { key: { id: text }, columns: { shop: text } });
      // @ts-expect-error nothing says which row of a key is newer
      expect(() => again.to(unversioned)).toThrow(/version/);
      // @ts-expect-error the row lacks the shop
      all.map("fewer", ({ id }) => ({ id })).to(stream("less", { id: text, shop: text }));
    });
  });

  test("what a view's rows have as a version is enough", () => {
    const versioned = view("versioned", { key: { id: text }, columns: { cents: bigint }, version: "cents" });
    pipeline("p", (flow) => {
      flow
        .from(orders)
        .map("row", ({ id, cents }) => ({ id, cents: BigInt(cents) }))
        .to(versioned);
    });
  });

  test("an id that is no function is refused", () => {
    expect(() => sqsQueue("orders", { schema: order, id: "id" as never })).toThrow(/sqs\("orders"\).*id/);
  });
});

test("its explanation says that it keeps nothing", () => {
  const p = pipeline("p", (flow) => {
    flow
      .from(orders)
      .map("row", ({ id, shop }) => ({ id, shop }))
      .to(taken);
  });
  expect(explain(p)).toContain("stage orders: reads the sqs source orders, in no order; it keeps nothing\n");
});

test("the test driver runs it", () => {
  const p = pipeline("p", (flow) => {
    flow
      .from(orders)
      .filter("paid", ({ cents }) => cents > 0)
      .map("row", ({ id, shop }) => ({ id, shop }))
      .to(taken);
  });
  const driver = testDriver(p);
  driver.push(orders, { id: "1", shop: "a", cents: 5 });
  driver.push(orders, { id: "2", shop: "a", cents: 0 });
  driver.pushRaw(orders, "no JSON");
  expect(driver.read(taken)).toEqual([{ id: "1", shop: "a" }]);
  expect(driver.deadLetters()).toHaveLength(1);
});
