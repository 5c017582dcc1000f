import { expect, test } from "vitest";
import * as z from "zod";
import {
  bigint,
  count,
  debezium,
  dms,
  dynamoStream,
  isChange,
  kinesis,
  lake,
  pipeline,
  text,
  timestamp,
  tumbling,
} from "../../lib/index.ts";
import { testDriver } from "../../lib/testing/index.ts";
import { recorded } from "./change-events.ts";

const product = z.object({ id: z.number(), name: z.string(), weight: z.number() });
const products = kinesis("products", {
  schema: debezium({ row: product, key: z.object({ id: z.number() }) }),
  eventTime: (event) => event.at,
  disorder: { seconds: 10 },
});

const changes = lake("changes", { op: text, windowStart: timestamp, windowEnd: timestamp, changes: bigint });

const pipe = pipeline("product-changes", (flow) => {
  flow
    .from(products)
    .filter("rows", isChange)
    .keyBy("by-id", { id: (change) => change.key.id })
    .deduplicate("once", { id: (change) => change.position ?? "", within: { days: 1 } })
    .keyBy("by-op", { op: (change) => change.op })
    .window("daily", tumbling({ days: 1 }))
    .aggregate({ changes: count() })
    .to(changes);
});

test("recorded changes, sent twice and among notices, are counted once each, and a tombstone holds nothing back", () => {
  const driver = testDriver(pipe);
  const events = recorded("debezium-postgres") as never[];
  driver.push(products, null); // the first record of all
  for (const event of [...events, ...events]) driver.push(products, event);
  driver.push(products, null);
  driver.push(products, { ts_ms: 1_596_010_988_700 });
  driver.pushRaw(products, ""); // a tombstone as Debezium Server puts it into Kinesis
  driver.drain();
  expect(driver.deadLetters()).toEqual([]);
  expect(
    driver
      .read(changes)
      .map((row) => [row.op, row.changes])
      .toSorted(),
  ).toEqual([
    ["delete", 1],
    ["insert", 1],
    ["read", 1],
    ["update", 2],
  ]);
});

const key = z.object({ id: z.number() });
test.each<[string, object, RegExp]>([
  ["no row", { key }, /row is not a Standard Schema/],
  ["a key that is no schema", { row: product, key: "id" }, /key is not a Standard Schema/],
  ["another before", { row: product, key, before: "rows" }, /before is "rows"/],
])("%s is refused when declared, not by each event", (_what, options, why) => {
  const of = options as { row: typeof product; key: typeof key };
  const refused = expect.objectContaining({ kind: "definition", code: "source/schema" }) as Error;
  for (const declare of [debezium, dms, (all: typeof of) => dynamoStream("rows", { ...all, disorder: {} })]) {
    expect(() => declare(of)).toThrow(why);
    expect(() => declare(of)).toThrow(refused);
  }
});
