import { bigint, lake, max, min, pipeline, sum, text, tumbling } from "millrace";
import { wholeMean } from "../mean.ts";
import { bidsByRank, dayOf } from "../ranks.ts";
import { isBid, nexmark } from "../source.ts";

const report = lake("q17", {
  ...{ auction: bigint, day: text },
  ...{ totalBids: bigint, rank1Bids: bigint, rank2Bids: bigint, rank3Bids: bigint },
  ...{ minPrice: bigint, maxPrice: bigint, avgPrice: bigint, sumPrice: bigint },
});

/** Query 17: the bids and prices of every auction and day. */
export default pipeline("nexmark-q17", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .keyBy("auction", { auction: (bid) => bid.auction })
    .window("days", tumbling({ days: 1 }))
    .aggregate({
      ...bidsByRank,
      minPrice: min(({ price }) => price),
      maxPrice: max(({ price }) => price),
      sumPrice: sum(({ price }) => price),
    })
    .map("report", ({ windowStart, windowEnd: _, ...row }) => ({
      ...row,
      day: dayOf(windowStart),
      avgPrice: wholeMean(row.sumPrice, row.totalBids),
    }))
    .to(report);
});
