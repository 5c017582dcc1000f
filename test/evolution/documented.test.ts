import {
  count,
  kinesis,
  lake,
  pipeline,
  sum,
  text,
  tumbling,
  value,
  type Aggregate,
  type AggregateOptions,
  type Pipeline,
} from "millrace";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { messageOf } from "../../lib/errors.ts";
import { record, Rig } from "../support/rig.ts";

const document = readFileSync(new URL("../../docs/state-evolution.md", import.meta.url), "utf8");

const payment = z.object({ shop: z.string(), euros: z.number(), at: z.number() });
type Payment = z.infer<typeof payment>;
const payments = kinesis("payments", {
  schema: payment,
  key: { shop: (one) => one.shop },
  eventTime: (one) => one.at,
  disorder: { minutes: 1 },
});
const nowhere = lake("per_hour", { shop: text }) as never;

const windowed = (
  aggregates: Readonly<Record<string, Aggregate<Payment, unknown>>>,
  changes: AggregateOptions = {},
  name = "hourly",
): Pipeline =>
  pipeline("shops", (flow) => {
    flow
      .from(payments)
      .byKey.window(name, tumbling({ hours: 1 }))
      .aggregate(aggregates as Record<string, never>, changes)
      .to(nowhere);
  });

const accounts = (schema: z.ZodType, set: unknown): Pipeline =>
  pipeline("shops", (flow) => {
    flow
      .from(payments)
      .byKey.process("accounts", {
        state: { balance: value(schema as z.ZodAny) },
        onRecord: (_one, { state }) => state.balance.set(set),
      })
      .to(nowhere);
  });

const shuffled = (keyBy: string): Pipeline =>
  pipeline("shops", (flow) => {
    flow
      .from(payments)
      .keyBy(keyBy, { shop: (one) => one.shop })
      .window("hourly", tumbling({ hours: 1 }))
      .aggregate({ payments: count() })
      .to(nowhere);
  });

const counted = windowed({ payments: count() });
const cents = z.object({ cents: z.number() });

test.each<[string, Pipeline, Pipeline]>([
  ["other aggregates", counted, windowed({ turnover: sum((one: Payment) => one.euros) })],
  ["another schema", accounts(cents, { cents: 1 }), accounts(cents.extend({ currency: z.string() }), undefined)],
  ["another name", counted, windowed({ payments: count() }, {}, "per-hour")],
  ["another keyBy", shuffled("by-city"), shuffled("by-shop")],
  ["another stage", counted, shuffled("by-shop")],
  ["the way back", windowed({ payments: count() }, { version: 2, migrate: { 1: { removed: ["turnover"] } } }), counted],
])("docs/state-evolution.md has the error as it is: %s", async (what, first, second) => {
  const rig = new Rig(first);
  for (const { name } of [{ name: "by-city" }, { name: "by-shop" }]) if (!rig.sinks.has(name)) rig.addSink(name);
  rig.deploy(first, what === "the way back" ? "build-2" : "build-1");
  await rig.task().turn({ kind: "records", records: [record(1, { shop: "a", euros: 1, at: 1 }, { key: "a" })] });
  rig.deploy(second, "build-3");
  const thrown = await rig
    .task()
    .turn({ kind: "records", records: [record(2, { shop: "a", euros: 1, at: 2 }, { key: "a" })] })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(document).toContain(`\n${messageOf(thrown)}\n`);
});
