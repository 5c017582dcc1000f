import { bigint, count, lake, pipeline, timestamp, tumbling } from "millrace";
import { isBid, nexmark } from "../source.ts";

const counts = lake("q12", { bidder: bigint, bidCount: bigint, starttime: timestamp, endtime: timestamp });

/** Query 12: the bids of everyone in every ten seconds. */
export default pipeline("nexmark-q12", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .keyBy("bidder", { bidder: (bid) => bid.bidder })
    .window("ten-seconds", tumbling({ seconds: 10 }))
    .aggregate({ bidCount: count() })
    .map("times", ({ bidder, bidCount, windowStart, windowEnd }) => ({
      ...{ bidder, bidCount },
      ...{ starttime: windowStart, endtime: windowEnd },
    }))
    .to(counts);
});
