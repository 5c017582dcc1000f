import { kinesis, lake, nullable, pipeline, text } from "millrace";
import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import { z } from "zod";
import { traceIdOf, traceparentOf } from "../support/traceparents.ts";

test("a trace leads from a record, by way of its waiting, to its row, and to no other record's", () => {
  const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { millis: 10 } } as const;
  const names = kinesis("names", { schema: z.object({ name: z.string(), at: z.number() }), ...timed });
  const orders = kinesis("orders", {
    schema: z.object({ id: z.string(), at: z.number(), trace: z.string().optional() }),
    trace: (order) => order.trace,
    ...timed,
  });
  const rows = lake("rows", { id: text, name: nullable(text) });
  const traced = pipeline("traced", (flow) => {
    const table = flow.from(names).toTable("table", { key: { all: () => 0 }, row: ({ name }) => name });
    flow
      .from(orders)
      .keyBy("orders-in-one", { all: () => 0 })
      .join("joined", table, ({ id }, name) => ({ id, name }))
      .to(rows);
  });
  const driver = testDriver(traced, { start: 20_000 });
  driver.push(names, { name: "Ann", at: 10_000 });
  for (let n = 1; n <= 3; n++) {
    driver.push(orders, { id: `order ${n}`, at: 10_000 + n, trace: traceparentOf(n) });
  }
  driver.push(names, { name: "Anne", at: 11_000 });
  driver.push(orders, { id: "later", at: 11_000 });
  expect(driver.read(rows)).toHaveLength(3);
  const paths = driver.traces();
  expect(paths.map(({ traceId }) => traceId)).toEqual([1, 2, 3].map(traceIdOf));
  const sent = paths.flatMap(({ steps }) => steps.flatMap(({ outputs }) => outputs["rows"] ?? []));
  expect(new Set(sent).size).toBe(3);
  expect(sent).toHaveLength(3);
  // Nothing of them is remembered any more.
  driver.push(names, { name: "Anna", at: 12_000 });
  driver.push(orders, { id: "last", at: 10_995 });
  driver.push(orders, { id: "end", at: 12_000 });
  expect(driver.traces().flatMap(({ steps }) => steps.flatMap(({ outputs }) => outputs["rows"] ?? []))).toEqual(sent);
});
