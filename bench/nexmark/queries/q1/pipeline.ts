import { bigint, double, lake, pipeline, text, timestamp } from "millrace";
import { inEuros } from "../money.ts";
import { isBid, nexmark } from "../source.ts";

const converted = lake("q1", {
  auction: bigint,
  bidder: bigint,
  price: double,
  dateTime: timestamp,
  extra: text,
});

/** Query 1: every bid in euros. */
export default pipeline("nexmark-q1", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .map("euros", ({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: inEuros(price),
      dateTime,
      extra,
    }))
    .to(converted);
});
