import { bigint, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { bid } from "../../generator/schemas.ts";
import { allHighest } from "../highest.ts";
import { isBid, nexmark } from "../source.ts";

const highestBids = lake("q7", {
  auction: bigint,
  price: bigint,
  bidder: bigint,
  dateTime: timestamp,
  extra: text,
});

const shown = bid.pick({ auction: true, price: true, bidder: true, dateTime: true, extra: true });

/** Query 7: the bids of the highest price in every ten seconds. */
export default pipeline("nexmark-q7", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .map("shown", ({ auction, price, bidder, dateTime, extra }) => ({ auction, price, bidder, dateTime, extra }))
    .keyBy("all", {})
    .window("highest", tumbling({ seconds: 10 }))
    .aggregate({ highest: allHighest({ by: ({ price }) => price, value: (row) => row, schema: shown }) })
    .flatMap("highest-bids", ({ highest }) => highest)
    .to(highestBids);
});
