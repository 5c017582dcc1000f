import { eventTime, lake, map, pipeline, text, value } from "millrace";
import * as z from "zod";
import { bidsOf, DAY, dayOf, differentOf, minuteOf, NO_BIDS, rankOf, statisticsColumns } from "../ranks.ts";
import { isBid, nexmark } from "../source.ts";

const report = lake("q16", { channel: text, day: text, minute: text, ...statisticsColumns });

const bids = z.object({ total: z.int(), rank1: z.int(), rank2: z.int(), rank3: z.int(), last: z.int() });

/** Of bidders or auctions the ranks in which they are, a bit each. */
const ranksById = () => map(z.int(), z.int());

/**
 * Query 16: what query 15 says, of every channel, and the minute of its last bid. A channel's bidders and auctions are entries of
 * maps, each of which is stored by itself, and again only where it changes.
 */
export default pipeline("nexmark-q16", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .map("offers", ({ channel, bidder, auction, price, dateTime }) => ({
      ...{ channel, bidder, auction },
      rank: rankOf(price),
      at: dateTime,
    }))
    .keyBy("channel", { channel: ({ channel }) => channel, day: ({ at }) => Math.floor(at / DAY) })
    .process("days", {
      state: { bids: value(bids), bidders: ranksById(), auctions: ranksById() },
      timers: { over: eventTime },
      onRecord({ bidder, auction, rank, at }, { key, state, timers, watermark }) {
        const end = (key.day + 1) * DAY;
        if (end <= watermark) return;
        const before = state.bids.get();
        if (before === undefined) timers.over.set(end);
        state.bids.set(bidsOf(before ?? NO_BIDS, rank, at));
        const bit = 1 << rank;
        const ofBidder = state.bidders.get(bidder) ?? 0;
        if ((ofBidder & bit) === 0) state.bidders.set(bidder, ofBidder | bit);
        const ofAuction = state.auctions.get(auction) ?? 0;
        if ((ofAuction & bit) === 0) state.auctions.set(auction, ofAuction | bit);
      },
      *onTimer(_, { key, state }) {
        const { total, rank1, rank2, rank3, last } = state.bids.get()!;
        const [bidders, auctions] = [state.bidders, state.auctions].map((different) =>
          differentOf(different.entries().map(([, ranks]) => ranks)),
        );
        yield {
          ...{ channel: key.channel, day: dayOf(key.day * DAY), minute: minuteOf(last) },
          ...{ totalBids: total, rank1Bids: rank1, rank2Bids: rank2, rank3Bids: rank3 },
          ...{ totalBidders: bidders!.total, totalAuctions: auctions!.total },
          ...{ rank1Bidders: bidders!.rank1, rank2Bidders: bidders!.rank2, rank3Bidders: bidders!.rank3 },
          ...{ rank1Auctions: auctions!.rank1, rank2Auctions: auctions!.rank2, rank3Auctions: auctions!.rank3 },
        };
        for (const part of [state.bids, state.bidders, state.auctions]) part.clear();
      },
    })
    .to(report);
});
