import { bigint, count, eventTime, globalWindow, lake, list, pipeline, sum, value } from "millrace";
import * as z from "zod";
import { wholeMean } from "../mean.ts";
import { isAuctionOrBid, nexmark } from "../source.ts";

const averages = lake("q4", { id: bigint, final: bigint });

/** When an auction is open, both ends included. */
const open = z.object({ category: z.int(), from: z.int(), to: z.int() });
const offer = z.object({ price: z.int(), at: z.int() });

/** Query 4: the mean of the winning bids of each category's auctions. */
export default pipeline("nexmark-q4", (flow) => {
  flow
    .from(nexmark)
    .filter("auctions-and-bids", isAuctionOrBid)
    .keyBy("auction", { auction: (event) => (event.type === "auction" ? event.id : event.auction) })
    .process("winning-bids", {
      state: {
        auction: value(open),
        best: value(z.int()),
        /** Bids that came before their auction, from another shard. */
        waiting: list(offer),
      },
      timers: { closed: eventTime, orphaned: eventTime },
      onRecord(event, { state, timers }) {
        const bid = (price: number) => state.best.set(Math.max(price, state.best.get() ?? 0));
        if (event.type === "auction") {
          const { category, dateTime: from, expires: to } = event;
          state.auction.set({ category, from, to });
          for (const { price, at } of state.waiting.get()) if (at >= from && at <= to) bid(price);
          state.waiting.clear();
          timers.orphaned.clear();
          // Once event time is beyond its end, no bid for it can come.
          timers.closed.set(to + 1);
          return;
        }
        const auction = state.auction.get();
        const { price, dateTime: at } = event;
        if (auction === undefined) {
          state.waiting.append({ price, at });
          // An auction that has not come once event time is beyond a bid for it begins after the bid.
          timers.orphaned.set(Math.max(timers.orphaned.at ?? 0, at + 1));
        } else if (at >= auction.from && at <= auction.to) bid(price);
      },
      *onTimer(timer, { state }) {
        if (timer === "orphaned") return state.waiting.clear();
        const { category } = state.auction.get()!;
        const final = state.best.get();
        state.auction.clear();
        state.best.clear();
        if (final !== undefined) yield { category, final };
      },
    })
    .keyBy("category", { category: ({ category }) => category })
    .window("ever", globalWindow())
    .aggregate({ sum: sum(({ final }) => final), auctions: count() })
    .map("average", ({ category, sum, auctions }) => ({ id: category, final: wholeMean(sum, auctions) }))
    .to(averages);
});
