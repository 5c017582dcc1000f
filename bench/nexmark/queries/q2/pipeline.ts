import { bigint, lake, pipeline } from "millrace";
import { isBid, nexmark } from "../source.ts";

const selected = lake("q2", { auction: bigint, price: bigint });

/** Query 2: the bids for every 123rd auction. */
export default pipeline("nexmark-q2", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .filter("every-123rd", ({ auction }) => auction % 123 === 0)
    .map("fields", ({ auction, price }) => ({ auction, price }))
    .to(selected);
});
