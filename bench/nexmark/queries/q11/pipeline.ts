import { bigint, count, lake, pipeline, session, timestamp } from "millrace";
import { isBid, nexmark } from "../source.ts";

const sessions = lake("q11", { bidder: bigint, bidCount: bigint, starttime: timestamp, endtime: timestamp });

/** Query 11: the bids of everyone in each session, which ends after ten seconds without one. */
export default pipeline("nexmark-q11", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .keyBy("bidder", { bidder: (bid) => bid.bidder })
    .window("sessions", session({ gap: { seconds: 10 } }))
    .aggregate({ bidCount: count() })
    .map("times", ({ bidder, bidCount, windowStart, windowEnd }) => ({
      ...{ bidder, bidCount },
      ...{ starttime: windowStart, endtime: windowEnd },
    }))
    .to(sessions);
});
