import { bigint, globalWindow, lake, pipeline, text, timestamp, topN } from "millrace";
import { sortable } from "../sortable.ts";
import { isBid, nexmark } from "../source.ts";

const topBids = lake("q19", {
  ...{ auction: bigint, bidder: bigint, price: bigint, channel: text, url: text, dateTime: timestamp, extra: text },
  rankNumber: bigint,
});

/** Query 19: the ten highest bids for every auction. */
export default pipeline("nexmark-q19", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .keyBy("auction", { auction: (bid) => bid.auction })
    .window("ever", globalWindow())
    .aggregate({
      top: topN(10, {
        // Texts, so that bids of one price have an order too.
        by: ({ price, dateTime, extra }) => `${sortable(price)} ${sortable(dateTime)} ${extra}`,
        value: ({ bidder, price, channel, url, dateTime, extra }) => ({ bidder, price, channel, url, dateTime, extra }),
      }),
    })
    .flatMap("top-bids", ({ auction, top }) => top.map((bid, i) => ({ auction, ...bid, rankNumber: i + 1 })))
    .to(topBids);
});
