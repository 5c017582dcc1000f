import { bigint, pipeline, queue, s3Objects, sqsQueue, stream, text } from "millrace";
import * as z from "zod";

const order = z.object({ id: z.string(), shop: z.string(), n: z.number() });
const shape = { id: text, shop: text, n: bigint };

export const plain = sqsQueue("plain", { schema: order, id: (o) => o.id });
export const grouped = sqsQueue("grouped", { schema: order, fifo: true });
export const archive = s3Objects("archive", { schema: order });
export const handedOn = stream("handed-on", shape, { key: { shop: (row) => row.shop } });
export const ordered = queue("ordered", shape, { fifo: { groupId: (row) => row.shop } });
export const loaded = queue("loaded", shape);

export default pipeline("queues", (flow) => {
  const row = (o: z.infer<typeof order>) => {
    if (o.n === 13) process.exit(1);
    return { ...o, n: BigInt(o.n) };
  };
  flow.from(plain).map("plain-row", row).to(handedOn);
  flow.from(archive).map("loaded-row", row).to(loaded);
  flow.from(grouped).map("grouped-row", row).to(ordered);
});
