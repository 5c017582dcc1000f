import { bigint, lake, pipeline, text, timestamp } from "millrace";
import { isBid, nexmark } from "../source.ts";

const passed = lake("q0", { auction: bigint, bidder: bigint, price: bigint, dateTime: timestamp, extra: text });

/** Query 0: every bid as it is. */
export default pipeline("nexmark-q0", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .map("fields", ({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }))
    .to(passed);
});
