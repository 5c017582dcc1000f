import { bigint, globalWindow, lake, maxBy, pipeline, text, timestamp } from "millrace";
import { sortable } from "../sortable.ts";
import { isBid, nexmark } from "../source.ts";

const lastBids = lake("q18", {
  ...{ auction: bigint, bidder: bigint, price: bigint, channel: text, url: text, dateTime: timestamp, extra: text },
});

/** Query 18: the last bid of every bidder for every auction. */
export default pipeline("nexmark-q18", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .keyBy("bidder-and-auction", { bidder: (bid) => bid.bidder, auction: (bid) => bid.auction })
    .window("ever", globalWindow())
    .aggregate({
      last: maxBy({
        // Texts, so that bids of one millisecond have an order too.
        by: ({ dateTime, price, extra }) => `${sortable(dateTime)} ${sortable(price)} ${extra}`,
        value: ({ price, channel, url, dateTime, extra }) => ({ price, channel, url, dateTime, extra }),
      }),
    })
    .map("last-bid", ({ auction, bidder, last }) => ({ auction, bidder, ...last }))
    .to(lastBids);
});
