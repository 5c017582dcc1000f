import { lake, max, pipeline, text, tumbling } from "millrace";
import { bidsByRank, dayOf, minuteOf, participations, statistics, statisticsColumns } from "../ranks.ts";
import { isBid, nexmark } from "../source.ts";

const report = lake("q16", { channel: text, day: text, minute: text, ...statisticsColumns });

/** Query 16: what query 15 says, of every channel, and the minute of its last bid. */
export default pipeline("nexmark-q16", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .flatMap("participations", (bid) =>
      participations(bid).map((one) => ({ ...one, channel: bid.channel, time: bid.dateTime })),
    )
    .keyBy("participant", { channel: ({ channel }) => channel, side: ({ side }) => side, id: ({ id }) => id })
    .window("participants", tumbling({ days: 1 }))
    .aggregate({ ...bidsByRank, last: max(({ time }) => time) })
    .keyBy("channel", { channel: ({ channel }) => channel })
    .window("days", tumbling({ days: 1 }))
    .aggregate({ ...statistics, last: max(({ last }) => last) })
    .map("report", ({ channel, windowStart, windowEnd: _, last, ...counts }) => ({
      channel,
      day: dayOf(windowStart),
      minute: minuteOf(last),
      ...counts,
    }))
    .to(report);
});
