import { kinesis, lake, nullable, pipeline, text, type Pipeline } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { shop, type Named } from "./shop.ts";

const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { millis: 100 } } as const;
const orders = kinesis("orders", { schema: z.object({ id: z.string(), at: z.number() }), ...timed });
const names = kinesis("names", { schema: z.object({ name: z.string(), at: z.number() }), ...timed });
const rows = lake("rows", { id: text, name: nullable(text) });

interface Migrations {
  readonly version: number;
  readonly migrate: Readonly<Record<number, (old: never) => unknown>>;
}

const of = <T extends object, V>(
  record: (order: { readonly id: string }) => T,
  row: (name: string) => V,
  combine: (record: T, row: V | undefined) => { readonly id: string; readonly name: string | undefined },
  { records, ofRows, join }: { records?: Migrations; ofRows?: Migrations; join: string },
): Pipeline =>
  pipeline("versions", (flow) => {
    const table = flow
      .from(names)
      .toTable("table", { key: { of: () => "all" }, row: ({ name }) => row(name), ...ofRows });
    flow
      .from(orders)
      .map("record", (one) => record(one))
      .keyBy("records", { of: () => "all" })
      .join(join, table, (one, found) => combine(one as T, found as V | undefined), {
        ...records,
        ...(join === "joined" ? {} : { was: ["joined"] }),
      })
      .to(rows);
  });

const first = (combine: (id: string) => void) =>
  of(
    ({ id }) => ({ id }),
    (name) => name,
    ({ id }, name) => {
      combine(id);
      return { id, name };
    },
    { join: "joined" },
  );

/** Records and rows have another form, and the join another name. */
const second = of(
  ({ id }) => ({ order: { id } }),
  (name) => ({ full: name }),
  ({ order }, row) => ({ id: order.id, name: row?.full }),
  {
    join: "named",
    records: { version: 2, migrate: { 1: ({ id }: { id: string }) => ({ order: { id } }) } },
    ofRows: { version: 2, migrate: { 1: (name: string) => ({ full: name }) } },
  },
);

const put = (run: MemoryPipeline, n: number) => {
  run.put("orders", { id: `order ${n}`, at: n }, "key");
  run.put("names", { name: `name ${n}`, at: n }, "key");
};
const rowsOf = (run: MemoryPipeline) =>
  run.rows<{ id: string; name: string }>("rows").map(({ id, name }) => `${id} ${name}`);
const lettersOf = (run: MemoryPipeline) =>
  (run.delivered.get("$dead-letters") ?? []).map(({ id, body }) => ({ ...(JSON.parse(body) as DeadLetter), id }));

test("what is stored and under way of an earlier version becomes this build's: rows, their history, records that wait", async () => {
  const run = new MemoryPipeline(
    first(() => undefined),
    { start: 10_000 },
  );
  put(run, 1_000);
  put(run, 1_050);
  await run.run();
  expect(rowsOf(run)).toEqual([]);
  const before = run.stage("names").process!;
  run.deploy(second, "second");
  run.stage("names").process = before; // what it sends is of the first version
  put(run, 1_200);
  await run.run();
  expect(rowsOf(run)).toEqual(["order 1000 name 1000", "order 1050 name 1050"]);
  run.restart("names");
  put(run, 1_400);
  await run.drain();
  expect(rowsOf(run).slice(2)).toEqual(["order 1200 name 1200", "order 1400 name 1400"]);
  expect(lettersOf(run)).toEqual([]);
});

test("what was joined stays so when a later build lets records wait longer", async () => {
  const run = new MemoryPipeline(shop(), { start: 20_000 });
  const both = (at: number) => {
    run.put("namings", { customer: "ann", seq: at, name: `Ann ${at}`, at }, "key");
    run.put("orders", { id: `order ${at}`, customer: "bob", at }, "key");
  };
  both(10_000);
  both(10_500);
  await run.run();
  run.deploy(shop({ allowedLateness: { seconds: 1 } }), "patient");
  // Of its time nothing is known any more.
  run.put("orders", { id: "late", customer: "ann", at: 10_300 }, "key");
  both(10_600);
  await run.drain();
  expect(run.rows<{ id: string }>("late_orders").map(({ id }) => id)).toEqual(["late"]);
});

test("nor does a change that comes late become timely then, or a removal that was forgotten undone", async () => {
  const run = new MemoryPipeline(shop(), { start: 20_000 });
  const name = (customer: string, at: number, of: string | null) =>
    run.put("namings", { customer, seq: at, name: of, at }, "key");
  const order = (customer: string, at: number) => run.put("orders", { id: `${customer} ${at}`, customer, at }, "key");
  const pass = (at: number) => {
    name("-", at + 100, "-");
    order("-", at + 100);
  };
  name("ann", 10_000, "Ann");
  name("ann", 10_020, null);
  name("bob", 10_000, "Bob");
  order("bob", 11_050);
  pass(11_100);
  await run.run();
  run.deploy(shop({ allowedLateness: { seconds: 1 } }), "patient");
  name("ann", 10_010, "Anne");
  name("bob", 11_050, "Robert");
  for (const customer of ["ann", "bob"]) order(customer, 11_300);
  pass(12_500);
  await run.drain();
  const rows = run.rows<Named>("named").filter(({ customer }) => customer !== "-");
  expect(rows.map(({ id, name: of }) => `${id}: ${of ?? "nobody"}`).toSorted()).toEqual([
    "ann 11300: nobody",
    "bob 11050: Bob",
    "bob 11300: Robert",
  ]);
  expect(lettersOf(run).map(({ reason }) => reason.code)).toEqual(["join/late"]);
  expect(run.rows<{ name: string }>("late_namings").map(({ name: of }) => of)).toEqual(["Robert"]);
});

test("what is of a later version, or has no way here, stops the task", async () => {
  const run = new MemoryPipeline(second, { start: 10_000 });
  put(run, 1_000);
  await run.run();
  run.deploy(
    first(() => undefined),
    "first again",
  );
  put(run, 1_200);
  await expect(run.run()).rejects.toMatchObject({ kind: "systemic" });
});

test("X7: a record whose function throws is a dead letter that has its row, and is redriven with it by a later version", async () => {
  const run = new MemoryPipeline(
    first((id) => {
      if (id === "order 1000") throw new Error("not yet");
    }),
    { start: 10_000 },
  );
  put(run, 1_000);
  put(run, 1_050);
  put(run, 1_200);
  await run.run();
  expect(rowsOf(run)).toEqual(["order 1050 name 1050"]);
  const [letter] = lettersOf(run);
  expect(letter).toMatchObject({ kind: "pane", operator: "joined", unit: { about: { time: 1_000 } } });
  // Nothing is left of that version of the row.
  put(run, 5_000);
  run.deploy(second, "second");
  await run.run();
  await run.stage("table").process!.control(parseControlMessage(redriveBody(JSON.stringify(letter)))!);
  expect(rowsOf(run)).toContain("order 1000 name 1000");
});
