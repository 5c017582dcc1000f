import { lake, pipeline, text, tumbling } from "millrace";
import { bidsByRank, dayOf, participations, statistics, statisticsColumns } from "../ranks.ts";
import { isBid, nexmark } from "../source.ts";

const report = lake("q15", { day: text, ...statisticsColumns });

/**
 * Query 15: how many bids, bidders and auctions a day has. Different ones are counted without a list of them: the first
 * stage has a group of each, whose row the second one counts.
 */
export default pipeline("nexmark-q15", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .flatMap("participations", participations)
    .keyBy("participant", { side: ({ side }) => side, id: ({ id }) => id })
    .window("participants", tumbling({ days: 1 }))
    .aggregate(bidsByRank)
    .keyBy("all", {})
    .window("days", tumbling({ days: 1 }))
    .aggregate(statistics)
    .map("report", ({ windowStart, windowEnd: _, ...counts }) => ({ day: dayOf(windowStart), ...counts }))
    .to(report);
});
