import { bigint, kinesis, pipeline, queue, text } from "millrace";
import * as z from "zod";

export const orders = kinesis("orders", {
  schema: z.object({ shop: z.string(), n: z.number(), at: z.number(), request: z.string() }),
  key: { shop: (order) => order.shop },
  eventTime: (order) => order.at,
  disorder: { minutes: 1 },
});

/** Orders once each, by the request that brought them. */
export default pipeline("ingested", (flow) => {
  flow
    .from(orders)
    .byKey.deduplicate("once", { id: (order) => order.request, within: { hours: 1 } })
    .map("row", ({ shop, n }) => ({ shop, n }))
    .to(queue("taken", { shop: text, n: bigint }));
});
