import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import {
  debezium,
  decimalText,
  fromDays,
  fromMicros,
  fromNanos,
  fromZoned,
  isChange,
  variableDecimalText,
  type Change,
} from "../../lib/index.ts";
import { validate } from "../../lib/schema.ts";
import { readAll, recorded } from "./change-events.ts";

const product = z.object({ id: z.number(), name: z.string(), description: z.string(), weight: z.number() });
const key = z.object({ id: z.number() });
const products = debezium({ row: product, key, before: "row" });
const keyed = debezium({ row: product, key });

describe("PostgreSQL", () => {
  test("a row's life: read, inserted, updated and deleted, with what it was before", () => {
    const events = readAll(products, "debezium-postgres");
    expect(events.map(({ op }) => op)).toEqual(["read", "update", "insert", "update", "delete"]);
    expect(events[3]).toEqual({
      op: "update",
      key: { id: 111 },
      before: { id: 111, name: "scooter", description: "Big 2-wheel scooter ", weight: 5.18 },
      after: { id: 111, name: "scooter", description: "Big 2-wheel scooter ", weight: 5.17 },
      at: 1_596_010_985_627,
      position: "00000000000000000000:00000000000034133584",
      source: {
        connector: "postgresql",
        database: "postgres",
        schema: "inventory",
        table: "products",
        transaction: "607",
      },
    });
    expect(events[4]).not.toHaveProperty("after");
  });

  test("positions sort in the log's order: by the commit before, which is exact as a text", () => {
    const positions = readAll(keyed, "debezium-postgres").map(({ position }) => position!);
    expect(positions).toEqual(positions.toSorted());
    const place = (commit: string | null, lsn: string) => {
      const event = recorded("debezium-postgres")[2] as { source: object };
      return validate(keyed, { ...event, source: { ...event.source, sequence: JSON.stringify([commit, lsn]) } })
        .position!;
    };
    // The change of a transaction that committed later lies before one of a transaction that had committed.
    expect(place("500", "400") > place("450", "490")).toBe(true);
    expect(place("18446744073709551614", "1") < place("18446744073709551615", "0")).toBe(true);
    expect(place(null, "7")).toBe(place("0", "7"));
  });

  test("without the replica identity FULL a delete has its key, and its row is not made up", () => {
    const customers = { row: z.object({ id: z.number(), email: z.string() }), key };
    const [inserted, deleted] = recorded("debezium-documentation");
    expect(validate(debezium(customers), inserted).position).toBe("00000000000024023119:00000000000024023128");
    expect(validate(debezium(customers), deleted)).toMatchObject({ op: "delete", key: { id: 1 } });
    expect(validate(debezium(customers), deleted)).not.toHaveProperty("before");
    expect(() => validate(debezium({ ...customers, before: "row" }), deleted)).toThrow("before.email");
    const update = { ...(recorded("debezium-postgres")[1] as object), before: null };
    expect(validate(keyed, update)).toMatchObject({ op: "update", key: { id: 106 } });
    expect(() => validate(products, update)).toThrow("REPLICA IDENTITY FULL");
  });

  test.each([
    "__debezium_unavailable_value",
    Buffer.from("__debezium_unavailable_value").toString("base64"),
    ["__debezium_unavailable_value"],
    { __debezium_unavailable_value: "__debezium_unavailable_value" },
    [...Buffer.from("__debezium_unavailable_value")],
  ])("a value that was not logged is left out and named: %j", (placeholder) => {
    const event = recorded("debezium-postgres")[1] as { after: object };
    const toasted = { ...event, after: { ...event.after, description: placeholder } };
    const lenient = debezium({ row: product.partial({ description: true }), key });
    const change = validate(lenient, toasted) as Change<{ description?: string }, unknown>;
    expect(change).toMatchObject({ op: "update", unavailable: ["description"] });
    expect(change.after).not.toHaveProperty("description");
    // A row that must have it is no row.
    expect(() => validate(keyed, toasted)).toThrow("after.description");
    expect(() => validate(keyed, { ...toasted, op: "c" })).toThrow("after.description");
  });

  test("another placeholder is known when it is declared", () => {
    const event = recorded("debezium-postgres")[1] as { after: object };
    const toasted = { ...event, after: { ...event.after, description: "unchanged" } };
    const lenient = debezium({ row: product.partial({ description: true }), key, unavailable: "unchanged" });
    expect(validate(lenient, toasted)).toMatchObject({ unavailable: ["description"] });
  });
});

test("MySQL: events in their schema's envelope; a snapshot's time is when it was read", () => {
  const events = readAll(products, "debezium-mysql");
  expect(events.map(({ op }) => op)).toEqual(["insert", "insert", "update", "delete"]);
  expect(events[0]!.at).toBe(1_589_355_606_100);
  expect(events[1]!.at).toBe(1_589_362_243_000);
  const positions = events.map(({ position }) => position!);
  expect(positions).toEqual(positions.toSorted());
  expect(positions[3]).toBe("mysql-bin.00000000000000000003:00000000000000002443:00000000000000000000");
});

describe("MongoDB", () => {
  const customers = { row: z.object({ _id: z.number(), first_name: z.string() }), key: z.object({ _id: z.number() }) };
  const [read, deletedBare, deleted] = recorded("debezium-mongodb");

  test("documents are plain values", () => {
    expect(validate(debezium(customers), read)).toMatchObject({
      op: "read",
      key: { _id: 1_004 },
      after: { _id: 1_004, first_name: "Anne" },
      source: { connector: "mongodb", database: "inventory", table: "customers" },
    });
    expect(validate(debezium({ ...customers, before: "row" }), deleted)).toMatchObject({
      op: "delete",
      key: { _id: 1_004 },
      before: { first_name: "Anne Marie" },
    });
  });

  test("what Extended JSON wraps", () => {
    const document = {
      _id: { $oid: "616053b7a9d89155d0d181ad" },
      n: [
        { $numberInt: "7" },
        { $numberLong: "9007199254740993" },
        { $numberDouble: "1.5" },
        { $numberDecimal: "1.10" },
      ],
      at: [{ $date: 1_633_702_839_984 }, { $date: "2021-10-08T14:20:39.984Z" }, { $date: { $numberLong: "-5" } }],
      other: { $binary: { base64: "AA==", subType: "00" } },
    };
    const event = { ...(read as object), after: JSON.stringify(document) };
    const { after } = validate(
      debezium({ row: z.looseObject({}), key: z.object({ _id: z.string() }) }),
      event,
    ) as Change<object, unknown>;
    expect(after).toEqual({
      _id: "616053b7a9d89155d0d181ad",
      n: [7, 9_007_199_254_740_993n, 1.5, "1.10"],
      at: [1_633_702_839_984, 1_633_702_839_984, -5],
      other: document.other,
    });
  });

  test("a delete whose document was not kept has no key, and says what to do", () => {
    expect(() => validate(debezium(customers), deletedBare)).toThrow("change_streams_update_full_with_pre_image");
  });

  test("a document that is no JSON, or nests too deep, is refused", () => {
    for (const after of ["{", `{"a":${"[".repeat(300)}${"]".repeat(300)}}`, '{"__proto__":1}', 7]) {
      expect(() => validate(debezium(customers), { ...(read as object), after })).toThrow("document");
    }
  });
});

describe("keys that are bigints", () => {
  const big = { id: z.union([z.number(), z.bigint()]).transform(BigInt) };
  const schema = debezium({ row: z.object({ ...big, name: z.string() }), key: z.object(big) });
  const update = (before: number | bigint, after: number | bigint) => ({
    ...{ op: "u", ts_ms: 1, source: { connector: "postgresql", txId: 2n ** 60n, lsn: 2n ** 62n } },
    ...{ before: { id: before, name: "Ann" }, after: { id: after, name: "Anne" } },
  });

  test("are compared like others", () => {
    expect(validate(schema, update(1, 1))).not.toHaveProperty("keyBefore");
    expect(validate(schema, update(1n, 2))).toMatchObject({ key: { id: 2n }, keyBefore: { id: 1n } });
  });

  test("and so are positions and transactions of Avro", () => {
    expect(validate(schema, update(1, 1))).toMatchObject({
      position: "00000000000000000000:04611686018427387904",
      source: { transaction: "1152921504606846976" },
    });
  });
});

describe("what is no change of a row", () => {
  test("is a notice, which a filter takes out: nothing is lost unseen", () => {
    const [, , truncate, message, transaction, schema] = readAll(
      debezium({ row: z.object({ id: z.number() }), key }),
      "debezium-documentation",
    );
    expect(truncate).toMatchObject({ op: "truncate", source: { table: "customers" }, at: 1_559_033_904_863 });
    expect(message).toMatchObject({ op: "message", detail: { prefix: "foo", content: "Ymfy" } });
    expect(transaction).toMatchObject({ op: "transaction", at: 1_486_500_577_125, detail: { status: "BEGIN" } });
    expect(schema).toMatchObject({ op: "schema", detail: { ddl: expect.stringContaining("middle_name") as string } });
    expect([truncate!, message!, transaction!, schema!].some(isChange)).toBe(false);
    expect(readAll(products, "debezium-postgres").every(isChange)).toBe(true);
  });

  test("tombstones have no time: 0, which is behind every watermark", () => {
    expect(validate(products, null)).toMatchObject({ op: "tombstone", at: 0 });
    expect(validate(products, { schema: null, payload: null })).toMatchObject({ op: "tombstone", at: 0 });
  });

  test("heartbeats", () => {
    expect(validate(products, { ts_ms: 1_700_000_000_000 })).toEqual({
      op: "heartbeat",
      at: 1_700_000_000_000,
      source: { connector: "debezium" },
    });
  });
});

test.each([
  [7, "no object"],
  [{}, "no time"],
  [{ ts_ms: 1, id: 4 }, "nothing that Debezium writes"],
  [{ op: "x", ts_ms: 1 }, "no operation"],
  [{ op: "toString", ts_ms: 1 }, "no operation"],
  [{ op: "c", ts_ms: 1, after: null }, "insert without the row"],
  [{ op: "c", after: { id: 1 } }, "no time"],
  [{ op: "d", ts_ms: 1, before: null }, "delete without the row's key"],
  [{ schema: {}, payload: 7 }, "payload is no object"],
])("%j is refused", (event, why) => {
  expect(() => validate(products, event)).toThrow(why);
});

test("a schema that validates asynchronously is told of, as any source's is", () => {
  const event = recorded("debezium-postgres")[2];
  const slow = debezium({ row: product.refine(async () => true), key });
  expect(() => validate(slow, event)).toThrow(expect.objectContaining({ code: "schema/asynchronous" }));
});

test("columns that came or went are the row schema's matter", () => {
  const event = recorded("debezium-postgres")[2] as { after: object };
  expect(validate(keyed, { ...event, after: { ...event.after, added: 1 } })).not.toHaveProperty("after.added");
  const { description: _, ...dropped } = event.after as { description: string };
  expect(() => validate(keyed, { ...event, after: dropped })).toThrow("after.description");
});

describe("values", () => {
  test("decimals are exact, of either sign and any size", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
        fc.integer({ min: 0, max: 40 }),
        (unscaled, scale) => {
          const text = decimalText(scale)(twosComplement(unscaled));
          expect(BigInt(text.replace(".", ""))).toBe(unscaled);
          expect(text.split(".")[1]?.length ?? 0).toBe(scale);
          expect(variableDecimalText({ scale, value: twosComplement(unscaled) })).toBe(text);
        },
      ),
    );
    expect(decimalText(2)("C+o=")).toBe("30.50");
    expect(decimalText(2)("/w==")).toBe("-0.01");
    expect(variableDecimalText({ scale: -2, value: "AQ==" })).toBe("100");
  });

  test.each(["", "C+o", "no base64!", "A".repeat(4_000)])("%j is no decimal", (text) => {
    expect(() => decimalText(2)(text)).toThrow(expect.objectContaining({ kind: "poison", code: "debezium/decimal" }));
  });

  test("times are milliseconds, before 1970 too", () => {
    expect(fromDays(19_723)).toBe(Date.UTC(2024, 0, 1));
    expect(fromMicros(1_529_507_596_945_104)).toBe(1_529_507_596_945);
    expect(fromMicros(-1)).toBe(-1);
    // Of Avro, longs beyond 2^53 are bigints.
    expect(fromNanos(1_529_507_596_945_104_500n)).toBe(1_529_507_596_945);
    expect([-1n, -1_000_000n, -1_000_001n, 0n].map(fromNanos)).toEqual([-1, -1, -2, 0]);
    expect(fromMicros(2n ** 53n)).toBe(9_007_199_254_740);
    expect(fromNanos(1_529_507_596_945_104_000)).toBe(1_529_507_596_945);
    expect(fromZoned("2011-12-03T10:15:30.030431+01:00")).toBe(Date.UTC(2011, 11, 3, 9, 15, 30, 30));
    expect(() => fromZoned("later")).toThrow(expect.objectContaining({ code: "debezium/time" }));
  });
});

test("types: `before` is there when it is declared, and a filter leaves changes alone", () => {
  type Row = z.infer<typeof product>;
  const events = readAll(products, "debezium-postgres").filter(isChange);
  expectTypeOf(events).toEqualTypeOf<Change<Row, { id: number }, Row>[]>();
  const [event] = readAll(keyed, "debezium-postgres").filter(isChange);
  if (event!.op === "update") {
    expectTypeOf(event!.after).toEqualTypeOf<Row>();
    expectTypeOf(event!.before).toEqualTypeOf<undefined>();
  }
});

/** The shortest base64 of a number in two's complement, as Java's BigInteger writes it. */
function twosComplement(value: bigint): string {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, value) !== value) bytes++;
  return Buffer.from(
    BigInt.asUintN(bytes * 8, value)
      .toString(16)
      .padStart(bytes * 2, "0"),
    "hex",
  ).toString("base64");
}
