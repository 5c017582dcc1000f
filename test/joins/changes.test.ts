import {
  bigint,
  debezium,
  kinesis,
  lake,
  nullable,
  pipeline,
  text,
  type Change,
  type ChangeEvent,
  type Keyed,
  type Stream,
  type VersionedTable,
} from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";

interface Key {
  readonly id: number;
}
interface Customer {
  readonly id: number;
  readonly name: string;
}

const START = 10_000;
const timed = { disorder: { millis: 100 } } as const;
const order = z.object({ id: z.string(), customer: z.number(), at: z.number() });
const orders = kinesis("orders", {
  schema: order,
  eventTime: (order) => order.at,
  ...timed,
});
const named = lake("named", { id: text, customer: bigint, name: nullable(text) });

const joining = (changes: Stream<ChangeEvent<Customer, Key>>, keyed: Keyed<z.infer<typeof order>, Key>) =>
  keyed
    .join("with-customer", changes.toTable("customers", { key: { id: (key) => key.id } }), (one, customer) => ({
      id: one.id,
      customer: one.customer,
      name: customer?.name,
    }))
    .to(named);

describe("changes of rows", () => {
  // Changes as they are, so that any can be said.
  const changes = kinesis("changes", {
    schema: z.custom<ChangeEvent<Customer, Key>>(() => true),
    eventTime: (event) => event.at,
    ...timed,
  });
  const customers = pipeline("customers", (flow) => {
    joining(flow.from(changes), flow.from(orders).keyBy("by-customer", { id: (one) => one.customer }));
  });
  const driverOf = () => {
    const driver = testDriver(customers, { start: 20_000 });
    return {
      driver,
      change: (change: object) => driver.push(changes, { source: { connector: "postgresql" }, ...change } as never),
      order: (at: number, customer = 1) => driver.push(orders, { id: `at ${at}`, customer, at: START + at }),
      rows: () => {
        driver.drain();
        return driver.read(named).map(({ id, customer, name }) => `${id} ${customer} ${name ?? "nobody"}`);
      },
    };
  };
  const upsert = (op: string, at: number, name: string, position?: string) => ({
    op,
    key: { id: 1 },
    after: { id: 1, name },
    at: START + at,
    ...(position && { position }),
  });

  test("are versions: of snapshots, inserts, updates and deletes", () => {
    const { change, order, rows } = driverOf();
    change(upsert("read", 0, "Ann"));
    change(upsert("update", 10, "Anne"));
    change({ op: "delete", key: { id: 1 }, at: START + 20 });
    change(upsert("insert", 30, "Anna"));
    for (const at of [-1, 0, 9, 10, 19, 20, 29, 30, 40]) order(at);
    expect(rows()).toEqual([
      ...["at -1 1 nobody", "at 0 1 Ann", "at 9 1 Ann", "at 10 1 Anne", "at 19 1 Anne", "at 20 1 nobody"],
      ...["at 29 1 nobody", "at 30 1 Anna", "at 40 1 Anna"],
    ]);
  });

  test("of one time: the later one in the database's log counts, though it comes first; a snapshot's does not know", () => {
    const { change, order, rows } = driverOf();
    change(upsert("update", 0, "second", "0002"));
    change(upsert("update", 0, "first", "0001"));
    for (let n = 0; n < 8; n++) change(upsert("read", 0, `snapshot ${n}`));
    order(5);
    expect(rows()).toEqual(["at 5 1 second"]);
  });

  test("of a key: the row is gone under the one that it had", () => {
    const { change, order, rows } = driverOf();
    change(upsert("insert", 0, "Ann"));
    change({ op: "update", key: { id: 2 }, keyBefore: { id: 1 }, after: { id: 2, name: "Ann" }, at: START + 10 });
    order(5, 1);
    order(15, 1);
    order(15, 2);
    expect(rows()).toEqual(["at 5 1 Ann", "at 15 1 nobody", "at 15 2 Ann"]);
  });

  test("beside them notices, which say nothing of a row, and the end of all rows, which is a dead letter", () => {
    const { driver, change, order, rows } = driverOf();
    change(upsert("insert", 0, "Ann"));
    for (const op of ["message", "transaction", "heartbeat", "schema"]) change({ op, at: START + 5 });
    change({ op: "tombstone", at: 0 });
    change({ op: "truncate", at: START + 5 });
    change({ op: "unheard of", at: START + 5 });
    order(10);
    expect(rows()).toEqual(["at 10 1 Ann"]);
    expect(driver.counters()["customers"]).toMatchObject({ filtered: 5 });
    const codes = driver.deadLetters().map(({ operator, reason }) => [operator, reason.code]);
    expect(codes).toEqual([
      ["customers", "table/truncate"],
      ["customers", "table/no-change"],
    ]);
  });
});

test("Debezium's events are a table, typed by the row's schema", () => {
  const customer = z.object({ id: z.number(), name: z.string() });
  const source = kinesis("customers", {
    schema: debezium({ row: customer, key: customer.pick({ id: true }) }),
    eventTime: (event) => event.at,
    ...timed,
  });
  const debeziumPipeline = pipeline("debezium", (flow) => {
    const keyed = flow.from(orders).keyBy("by-customer", { id: (one) => one.customer });
    const table = flow.from(source).toTable("customers-by-id", { key: { id: (key) => key.id } });
    keyed
      .join("inner", table, (one, row) => ({ id: one.id, customer: one.customer, name: row.name }), {
        type: "inner",
      })
      .to(named);
  });
  const driver = testDriver(debeziumPipeline, { start: 20_000, deadLetters: "throw" });
  const envelope = (op: string, at: number, name: string) => ({
    ...{ op, before: null, after: { id: 1, name }, ts_ms: START + at },
    source: {
      connector: "postgresql",
      db: "shop",
      schema: "public",
      table: "customers",
      lsn: 24_023_128 + at,
      ts_ms: START + at,
    },
  });
  driver.push(source, envelope("r", 0, "Ann"));
  driver.push(source, envelope("u", 10, "Anne"));
  driver.push(orders, { id: "early", customer: 1, at: START - 1 });
  driver.push(orders, { id: "a", customer: 1, at: START + 9 });
  driver.push(orders, { id: "b", customer: 1, at: START + 10 });
  driver.drain();
  expect(driver.read(named).map(({ id, name }) => `${id} ${name!}`)).toEqual(["a Ann", "b Anne"]);
});

test("types: rows, keys and what is no change", () => {
  const use = (
    changes: Stream<ChangeEvent<Customer, Key>>,
    one: Stream<Change<Customer, Key>>,
    plain: Stream<{ readonly id: number; readonly price: number | null }>,
    keyed: Keyed<{ readonly n: number }, { readonly id: number }>,
  ) => {
    const table = changes.toTable("t1", { key: { id: (key) => key.id } });
    const rows: VersionedTable<Customer, { readonly id: number }> = table;
    const same: typeof table = one.toTable("t2", { key: { id: (key) => key.id } });
    const prices = plain.toTable("t3", {
      key: { id: (value) => value.id },
      row: ({ price }) => price ?? undefined,
    });
    const numbers: VersionedTable<number, { readonly id: number }> = prices;
    keyed.join("j1", prices, ({ n }, price) => {
      expectTypeOf(price).toEqualTypeOf<number | undefined>();
      return { n };
    });
    const inner = keyed.join("j2", table, ({ n }, row) => ({ n, name: row.name }), { type: "inner" });
    expectTypeOf(inner.late).toEqualTypeOf<Stream<{ readonly n: number }, { readonly id: number }>>();
    // @ts-expect-error -- a left join's row may be missing
    keyed.join("j3", table, (_record, row) => ({ name: row.name }));
    // @ts-expect-error -- values that are no changes need a row
    plain.toTable("t4", { key: { id: () => 1 } });
    const byName = changes.toTable("t5", { key: { name: () => "" } });
    // @ts-expect-error -- another key
    keyed.join("j4", byName, () => ({}));
    return [rows, same, numbers];
  };
  expectTypeOf(use).toBeFunction();
});

describe("refused when built", () => {
  const changes = kinesis("changes", {
    schema: z.custom<ChangeEvent<Customer, Key>>(() => true),
    eventTime: (event) => event.at,
    ...timed,
  });
  const ordersByKey = kinesis("orders", {
    schema: z.object({ id: z.number(), at: z.number() }),
    key: { id: (order) => order.id },
    eventTime: (order) => order.at,
    ...timed,
  });
  const ids = lake("ids", { id: bigint });
  type Use = (keyed: Keyed<{ id: number; at: number }, Key>, changes: Stream<ChangeEvent<Customer, Key>>) => unknown;
  const building = (use: Use) => () =>
    pipeline("p", (flow) => {
      use(flow.from(ordersByKey).keyBy("by-id", { id: (order) => order.id }), flow.from(changes));
    });
  const key = { id: (one: Key) => one.id };

  test.each<[string, Use, RegExp]>([
    ["a table without a key", (_, all) => all.toTable("t", { key: {} }), /toTable\("t"\) has no key/],
    [
      "a table that no join reads",
      (keyed, all) => {
        keyed.process("p", { onRecord: () => [{ id: 1 }] }).to(ids);
        all.toTable("t", { key });
      },
      /"t" leads nowhere/,
    ],
    [
      "what is no table",
      (keyed) => keyed.join("j", {} as never, () => 1),
      /join\("j"\) was not given a table of this pipeline/,
    ],
    [
      "another key",
      (keyed, all) => keyed.join("j", all.toTable("t", { key: { other: () => 1 } }) as never, () => 1),
      /join\("j"\) connects streams by \(id\) and by \(other\)/,
    ],
    [
      "no function",
      (keyed, all) => keyed.join("j", all.toTable("t", { key }), undefined as never),
      /join\("j"\) was not given a function/,
    ],
    [
      "another type",
      (keyed, all) => keyed.join("j", all.toTable("t", { key }), () => 1, { type: "outer" as never }),
      /join\("j"\) is of type "outer"/,
    ],
    [
      "a table of what comes from the join's stage",
      (keyed) =>
        keyed.join(
          "j",
          keyed
            .deduplicate("once", { id: ({ id }) => id, within: { hours: 1 } })
            .toTable("t", { key: { id: ({ id }) => id }, row: (one) => one }),
          () => 1,
        ),
      /join\("j"\) would have the stage "by-id" read what it sends itself/,
    ],
  ])("%s", (_name, use, message) => {
    expect(building(use)).toThrow(message);
  });

  test("the partitions of a source", () => {
    expect(() =>
      pipeline("p", (flow) => {
        flow.from(ordersByKey).byKey.join("j", flow.from(changes).toTable("t", { key }), () => 1);
      }),
    ).toThrow(/join\("j"\) connects the partitions of the source "orders" with others.*Use keyBy/s);
  });
});
