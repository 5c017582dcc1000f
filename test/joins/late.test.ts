import { testDriver } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { lateNamings, lateOrders, named, namings, once, orders, shop } from "./shop.ts";

const START = 10_000;
const ann = { customer: "ann" };

/** Both streams tell that event time has come so far: what is older by a hundred milliseconds is late from then on. */
const driverOf = (pipeline = shop()) => {
  const driver = testDriver(pipeline, { start: 20_000 });
  let pushed = 0;
  return {
    driver,
    order: (at: number) => driver.push(orders, { id: `order ${++pushed}`, ...ann, at: START + at }),
    name: (at: number, name: string | null) => driver.push(namings, { ...ann, seq: ++pushed, name, at: START + at }),
    pass: (at: number) => {
      driver.push(orders, { id: "-", customer: "-", at: START + at + 100 });
      driver.push(namings, { customer: "-", seq: 0, name: "-", at: START + at + 100 });
    },
    state: () => driver.state(pipeline.handles.joined, ann),
    rows: () =>
      driver
        .read(named)
        .filter(({ customer }) => customer === "ann")
        .map(({ id, name }) => `${id} ${name ?? "nobody"}`),
  };
};

describe("a record waits", () => {
  test("until changes of its own time cannot come any more", () => {
    const { order, name, pass, rows, state } = driverOf();
    order(0);
    pass(0);
    expect(rows()).toEqual([]);
    expect(state().waiting).toEqual([{ at: START, record: { id: "order 1", ...ann, at: START } }]);
    name(0, "Ann");
    pass(1);
    expect(rows()).toEqual(["order 1 Ann"]);
    expect(state().waiting).toEqual([]);
  });

  test("longer where lateness is allowed", () => {
    const { driver, order, name, pass, rows } = driverOf(shop({ allowedLateness: { millis: 50 } }));
    order(0);
    pass(50);
    name(0, "Ann");
    expect(rows()).toEqual([]);
    pass(51);
    expect(rows()).toEqual(["order 1 Ann"]);
    // What comes after the join knows that its rows come later.
    expect(driver.read(once).map(({ id }) => id)).toContain("order 1");
    expect(driver.late).toEqual({});
  });
});

describe("what is late", () => {
  test("a record: it leaves by late, and is not joined", () => {
    const { driver, order, pass, rows } = driverOf();
    pass(10);
    order(9);
    order(10);
    pass(50);
    expect(rows()).toEqual(["order 2 nobody"]);
    expect(driver.read(lateOrders)).toEqual([{ id: "order 1" }]);
    expect(driver.late).toEqual({ "with-customer": 1 });
    driver.drain();
    expect(driver.counters()["with-customer"]).toMatchObject({ in: 6, folded: 5, late: 1 });
  });

  test("a change: it leaves by lateChanges, and counts for the records that come after it", () => {
    const { driver, order, name, pass, rows } = driverOf();
    name(0, "Ann");
    order(20);
    pass(30);
    name(10, "Anne");
    order(40);
    pass(50);
    expect(rows()).toEqual(["order 2 Ann", "order 4 Anne"]);
    expect(driver.read(lateNamings)).toEqual([{ at: START + 10, name: "Anne" }]);
    expect(driver.late).toEqual({ "with-customer": 1 });
  });

  test("but not what comes at the watermark: it is in time", () => {
    const { driver, order, name, pass, rows } = driverOf();
    pass(10);
    name(10, "Ann");
    order(10);
    pass(50);
    expect(rows()).toEqual(["order 2 Ann"]);
    expect(driver.late).toEqual({});
    expect(driver.read(lateNamings)).toEqual([]);
  });

  test("a change that another one has overtaken: nothing comes of it", () => {
    const { driver, order, name, pass, rows, state } = driverOf();
    name(20, "Ann");
    pass(30);
    name(10, "Anne");
    order(40);
    pass(50);
    expect(rows()).toEqual(["order 3 Ann"]);
    expect(driver.late).toEqual({ "with-customer": 1 });
    expect(state().versions).toEqual([{ at: START + 20, row: { name: "Ann", seq: 1 } }]);
  });

  test("a change of before a removal, while that is known", () => {
    const { order, name, pass, rows, state } = driverOf();
    name(0, "Ann");
    name(20, null);
    pass(30);
    expect(state().versions).toEqual([{ at: START + 20, row: undefined }]);
    name(10, "Anne");
    order(40);
    pass(50);
    expect(rows()).toEqual(["order 4 nobody"]);
  });

  test("a change of so long ago that a removal may be forgotten: a dead letter", () => {
    const { driver, order, name, pass, rows, state } = driverOf();
    name(0, "Ann");
    name(20, null);
    pass(1_020);
    expect(state().versions).toEqual([]);
    name(10, "Anne");
    name(20, "Anne");
    name(21, "Anna");
    const reasons = driver.deadLetters().map(({ operator, reason }) => [operator, reason.code]);
    expect(reasons).toEqual(Array.from({ length: 2 }, () => ["with-customer", "join/late"]));
    // Once something is known of the row, what is older is known to be older.
    name(10, "Anne");
    expect(driver.deadLetters()).toEqual([]);
    order(1_040);
    pass(1_050);
    expect(rows()).toEqual(["order 7 Anna"]);
  });
});

describe("X9: state is bounded by what records that are not late may ask for", () => {
  test("the versions since the watermark, and the newest before it", () => {
    const { name, pass, state } = driverOf();
    for (const at of [0, 10, 20, 30]) name(at, `Ann ${at}`);
    name(5, "Ann 5");
    const times = () => state().versions.map(({ at }) => at - START);
    expect(times()).toEqual([0, 5, 10, 20, 30]);
    pass(10);
    expect(times()).toEqual([10, 20, 30]);
    pass(19);
    expect(times()).toEqual([10, 20, 30]);
    pass(100);
    expect(times()).toEqual([30]);
  });

  test("and longer by the lateness that is allowed", () => {
    const { name, pass, state } = driverOf(shop({ allowedLateness: { millis: 50 } }));
    for (const at of [0, 10, 20]) name(at, `Ann ${at}`);
    const times = () => state().versions.map(({ at }) => at - START);
    pass(60);
    expect(times()).toEqual([10, 20]);
    pass(70);
    expect(times()).toEqual([20]);
  });

  test("nothing is left of a row that is gone", () => {
    const { driver, name, pass, state } = driverOf();
    name(0, "Ann");
    name(10, null);
    pass(1_009);
    expect(state().versions).toEqual([{ at: START + 10, row: undefined }]);
    pass(1_010);
    expect(state().versions).toEqual([]);
    driver.drain();
    expect(state()).toEqual({ versions: [], waiting: [] });
  });
});

test("of a time the greater order is the newer version, and a repeat changes nothing", () => {
  const { driver, order, pass, rows, state } = driverOf();
  const said = [
    { ...ann, seq: 7, name: "Seven", at: START },
    { ...ann, seq: 30, name: "Thirty", at: START },
    { ...ann, seq: 7, name: "Seven", at: START },
    { ...ann, seq: 30, name: "Thirty", at: START },
  ];
  for (const one of said) driver.push(namings, one);
  expect(state().versions).toHaveLength(1);
  order(5);
  pass(10);
  expect(rows()).toEqual(["order 1 Thirty"]);
  expect(driver.counters()["with-customer"]).toMatchObject({ filtered: 2 });
});

test("of a time the removal, or the row, of the greater order counts, and the other is gone", () => {
  const { driver, order, pass, rows, state } = driverOf();
  const said = (seq: number, at: number, name: string | null) =>
    driver.push(namings, { ...ann, seq, name, at: START + at });
  said(1, 0, "Ann");
  said(2, 0, null);
  expect(state().versions).toEqual([{ at: START, row: undefined }]);
  order(5);
  said(1, 10, null);
  said(2, 10, "Anne");
  expect(state().versions).toEqual([
    { at: START, row: undefined },
    { at: START + 10, row: { name: "Anne", seq: 2 } },
  ]);
  order(15);
  pass(20);
  expect(rows()).toEqual(["order 1 nobody", "order 2 Anne"]);
});

describe("a join that is inner", () => {
  test("leaves records without a row out, and counts them as filtered", () => {
    const { driver, order, name, pass, rows } = driverOf(shop({ type: "inner" }));
    order(0);
    name(10, "Ann");
    order(20);
    name(30, null);
    order(40);
    pass(50);
    expect(rows()).toEqual(["order 3 Ann"]);
    expect(driver.counters()["with-customer"]).toMatchObject({ filtered: 2 });
  });
});
