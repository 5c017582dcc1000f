import fc from "fast-check";
import { bigint, bool, count, double, kinesis, nullable, pipeline, text, timestamp, tumbling, view } from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { orderedText, originOf } from "../../lib/connectors/view/version.ts";

const payment = z.object({ account: z.string(), shop: z.string(), amount: z.number(), at: z.number() });
const options = { schema: payment, eventTime: (p: z.infer<typeof payment>) => p.at, disorder: { minutes: 1 } };
const payments = kinesis("payments", { ...options, key: { account: (p) => p.account } });
const scattered = kinesis("scattered", options);

const key = { account: text };
const balances = view("balances", { key, columns: { balance: bigint } });

describe("a view's declaration", () => {
  test.each<[string, () => unknown, string]>([
    ["no key", () => view("v", { key: {}, columns: {} }), "view/key"],
    ["three", () => view("v", { key: { a: text, b: text, c: text }, columns: {} }), "view/key"],
    ["a key that may be missing", () => view("v", { key: { a: nullable(text) as never }, columns: {} }), "view/key"],
    ["a boolean key", () => view("v", { key: { a: bool as never }, columns: {} }), "view/key"],
    ["one field twice", () => view("v", { key: { a: text }, columns: { a: text } }), "view/column"],
    ["a column of that name", () => view("v", { key, columns: { removed: bool } }), "view/column"],
    ["a double as version", () => view("v", { key, columns: { at: double }, version: "at" }), "view/version"],
    ["an unknown version", () => view("v", { key, columns: {}, version: "at" as never }), "view/version"],
    ["a short memory", () => view("v", { key, columns: {}, keepRemoved: { days: 29 } }), "view/removed"],
    ["a field that is none", () => view("v", { key, columns: { $id: text } }), "name/invalid"],
  ])("with %s is refused", (_what, declare, code) => {
    expect(declare).toThrow(expect.objectContaining({ kind: "definition", code }));
  });
});

describe("rows of a view", () => {
  const all = view("all", {
    key: { name: text, at: timestamp },
    columns: { whole: bigint, part: double, is: bool, maybe: nullable(text) },
  });

  test("come out of their text as they went in", () => {
    const whole = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    const row = fc.record(
      {
        name: fc.string({ minLength: 1, maxLength: 40 }),
        at: fc.integer({ min: -8.64e15, max: 8.64e15 }),
        whole,
        part: fc.double({ noNaN: true, min: -1e100, max: 1e100 }).filter((n) => n === 0 || Math.abs(n) > 1e-100),
        is: fc.boolean(),
        maybe: fc.string(),
      },
      { requiredKeys: ["name", "at", "whole", "part", "is"] },
    );
    fc.assert(
      fc.property(row, (written) => {
        const read = all.decode(all.encode(written as never));
        const { whole: n, part, ...others } = written;
        expect(read).toEqual({
          ...others,
          part: part === 0 ? 0 : part,
          whole: typeof n === "bigint" && Number.isSafeInteger(Number(n)) ? Number(n) : n,
        });
      }),
    );
  });

  test.each([
    ["no key", { at: 1 }],
    ["an empty key", { name: "" }],
    ["a key that is too long", { name: "x".repeat(2_049) }],
    ["half a number", { whole: 1.5 }],
    ["a number that no table has", { part: 1e200 }],
    ["no number", { part: Number.NaN }],
    ["half a character", { maybe: "\ud800" }],
    ["another type", { is: "yes" }],
    ["nothing", { is: undefined }],
  ])("with %s are poison", (_what, change) => {
    const row = { name: "n", at: 1, whole: 1, part: 1, is: true, ...change };
    if (_what === "no key") delete (row as { name?: string }).name;
    expect(() => all.encode(row as never)).toThrow(expect.objectContaining({ kind: "poison", code: "view/row" }));
  });
});

describe("what is newer", () => {
  test("is the number that is greater, as text", () => {
    const number = fc.oneof(fc.nat(120), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(orderedText(a) < orderedText(b)).toBe(a < b);
      }),
      { numRuns: 500 },
    );
  });

  test("is of the later generation, then incarnation, epoch and place in the commit", () => {
    const id = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(200), fc.nat(200));
    const version = ([generation, incarnation, epoch, n]: readonly number[]) =>
      originOf(`p:${generation}:s:src.${incarnation}:sh@${epoch}#${n}`, undefined).version;
    fc.assert(
      fc.property(id, id, (a, b) => {
        const differing = a.findIndex((number, i) => number !== b[i]);
        expect(version(a) < version(b)).toBe(differing >= 0 && a[differing]! < b[differing]!);
      }),
    );
  });

  test("is the row's own version before all but the generation, below zero too", () => {
    const version = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer({ min: -20, max: 20 }));
    fc.assert(
      fc.property(version, version, (a, b) => {
        const [one, other] = [originOf("p:0:s:src.0:sh@9#9", a).version, originOf("p:0:s:src.0:sh@1#0", b).version];
        expect(one < other).toBe(a < b);
        expect(other < originOf("p:1:s:src.0:sh@1#0", -(2n ** 63n)).version).toBe(true);
      }),
    );
  });
});

describe("a view gets rows of its stream's key", () => {
  const row = { account: "a", balance: 1 };

  test("whose key is within its own; what is not does not compile, and is refused", () => {
    const daily = view("daily", { key: { account: text, windowStart: timestamp }, columns: { n: bigint } });
    const counted = (flow: Parameters<Parameters<typeof pipeline>[1]>[0]) =>
      flow
        .from(payments)
        .byKey.window("of-a-day", tumbling({ days: 1 }))
        .aggregate({ n: count() });
    pipeline("within", (flow) => {
      counted(flow)
        .map("row", ({ account, windowStart, n }) => ({ account, windowStart, n }))
        .to(daily);
    });
    pipeline("group", (flow) => {
      flow
        .from(scattered)
        .keyBy("all", {})
        .process("one", {
          *onRecord(payment) {
            yield payment;
          },
        }) // prettier-ignore

        .map("row", () => row)
        .to(balances);
    });
    expect(() =>
      pipeline("another", (flow) => {
        const byShop = flow.from(payments).keyBy("by-shop", { shop: (p) => p.shop });
        const rows = byShop.window("w", tumbling({ days: 1 })).aggregate({ n: count() });
        // @ts-expect-error: shop is not in the view's key
        rows.map("row", () => row).to(balances);
      }),
    ).toThrow(/pipeline\("another"\): \.to\(view\("balances"\)\) would have several tasks .* key has shop, .*keyBy/);
    expect(() =>
      pipeline("none", (flow) => {
        // @ts-expect-error: the stream has no key
        flow.from(scattered).map("row", () => row).to(balances); // prettier-ignore
      }),
    ).toThrow(/its stream has no key/);
    expect(() =>
      pipeline("two", (flow) => {
        const others = kinesis("others", { ...options, key: { account: (p) => p.account } });
        flow
          .from(payments)
          .union("both", flow.from(others))
          .map("row", () => row)
          .to(balances);
      }),
    ).toThrow(/a union of streams/);
  });

  test("or of any key, where it has a version", () => {
    const latest = view("latest", { key, columns: { at: timestamp }, version: "at" });
    pipeline("any", (flow) => {
      flow
        .from(scattered)
        .map("row", ({ account, at }) => ({ account, at }))
        .to(latest);
    });
  });

  test("and a row that has another key than its stream is poison", () => {
    const swapped = pipeline("swapped", (flow) => {
      flow
        .from(payments)
        .map("row", ({ account, shop, amount }) => ({ account: shop === "x" ? shop : account, balance: amount }))
        .to(balances);
    });
    const driver = testDriver(swapped, { start: 1_000 });
    driver.push(payments, { account: "a", shop: "s", amount: 5, at: 1 });
    driver.push(payments, { account: "a", shop: "x", amount: 6, at: 2 });
    expect(driver.read(balances)).toEqual([{ account: "a", balance: 5 }]);
    expect(driver.deadLetters()).toMatchObject([{ operator: "balances", reason: { code: "view/key" } }]);
  });

  test("and what does not fit does not compile", () => {
    pipeline("typed", (flow) => {
      const rows = flow.from(payments).map("row", () => row);
      // @ts-expect-error: the balance is missing
      void (() => rows.map("a", () => ({ account: "a" })).to(balances));
      // @ts-expect-error: it is a text
      void (() => rows.map("b", () => ({ account: "a", balance: "1" })).to(balances));
      // @ts-expect-error: there is no such column
      void (() => rows.map("c", () => ({ account: "a", balance: 1, name: "n" })).to(balances));
      // @ts-expect-error: nobody knows which key is removed
      void (() => rows.map("d", () => ({ removed: true as const })).to(balances));
      void (() => rows.map("e", () => ({ account: "a", removed: true as const })).to(balances));
      void (() => rows.map("f", (r) => ({ ...r, removed: r.balance === 0 })).to(balances));
      void (() =>
        rows.map("g", (r) => (r.balance === 0 ? { account: r.account, removed: true as const } : r)).to(balances));
      const at = { at: timestamp };
      const latest = view("latest", { key, columns: at, version: "at" });
      // @ts-expect-error: a removal has a version too
      void (() => rows.map("h", () => ({ account: "a", removed: true as const })).to(latest));
      // @ts-expect-error: no column to be a version
      void (() => view("v", { key, columns: at, version: "account" }));
      rows.to(balances);
    });
  });

  test("of which some say that their key is removed", () => {
    const closing = pipeline("closing", (flow) => {
      flow
        .from(payments)
        .map("row", ({ account, amount }) => ({ account, balance: amount, removed: amount === 0 }))
        .to(balances);
    });
    const driver = testDriver(closing, { start: 1_000, deadLetters: "throw" });
    driver.push(payments, { account: "a", shop: "s", amount: 5, at: 1 });
    driver.push(payments, { account: "a", shop: "s", amount: 0, at: 2 });
    expect(driver.read(balances)).toEqual([
      { account: "a", balance: 5 },
      { account: "a", removed: true },
    ]);
  });
});
