import { bigint, eventBus, kinesis, pipeline, queue, stream, text, topic, webhook } from "millrace";
import * as z from "zod";

/** Orders, by shop. */
const orders = kinesis("orders", {
  schema: z.object({ shop: z.string(), n: z.number(), at: z.number() }),
  key: { shop: (order) => order.shop },
  eventTime: (order) => order.at,
  disorder: { seconds: 1 },
});

const ROW = { shop: text, n: bigint };

export const alerts = queue("alerts", ROW);
export const ordered = queue("ordered", ROW, { fifo: { groupId: (row) => row.shop } });
export const enriched = stream("enriched", ROW, { key: { shop: (row) => row.shop } });
export const published = topic("published", ROW, { fifo: { groupId: (row) => row.shop } });
export const events = eventBus("events", ROW, {
  source: "com.example.shops",
  detailType: (row) => `Order of ${row.shop}`,
});
export const hooks = webhook("hooks", ROW, { orderBy: (row) => row.shop, timeout: { seconds: 2 }, concurrency: 8 });

/** Every order goes everywhere. */
export default pipeline("everywhere", (flow) => {
  const rows = flow.from(orders).map("row", ({ shop, n }) => ({ shop, n }));
  for (const sink of [alerts, ordered, enriched, published, events, hooks]) rows.to(sink);
});
