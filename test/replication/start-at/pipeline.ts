import { bigint, kinesis, pipeline, stream, text } from "millrace";
import * as z from "zod";

const orders = kinesis("orders", {
  schema: z.object({ shop: z.string(), n: z.number(), at: z.number() }),
  key: { shop: (order) => order.shop },
  eventTime: (order) => order.at,
  disorder: { seconds: 1 },
});

export const read = stream("read", { shop: text, n: bigint });

/** Every order that is read. */
export default pipeline("reading", (flow) => {
  flow
    .from(orders)
    .map("row", ({ shop, n }) => ({ shop, n }))
    .to(read);
});
