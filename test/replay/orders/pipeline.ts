import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

export const orders = kinesis("orders", {
  schema: z.object({ id: z.string(), shop: z.string(), n: z.number(), at: z.number() }),
  key: { shop: (o) => o.shop },
  eventTime: (o) => o.at,
  disorder: { seconds: 0 },
});
export const hourly = lake("hourly", { shop: text, windowStart: timestamp, windowEnd: timestamp, orders: bigint });
/** As each shop's orders came. */
export const inOrder = lake("in_order", { shop: text, n: bigint });

export default pipeline("replayed", (flow) => {
  // What is sent again, after an interruption, comes behind what came after it: it is told by its id, whatever its time.
  const once = flow.from(orders).byKey.deduplicate("once", { id: (o) => o.id, within: { days: 1 } });
  once.map("row", ({ shop, n }) => ({ shop, n: BigInt(n) })).to(inOrder);
  once.byKey
    .window("per-hour", tumbling({ hours: 1 }))
    .aggregate({ orders: count() })
    .to(hourly);
});
