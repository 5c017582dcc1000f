import { bigint, count, eventTime, globalWindow, lake, list, pipeline, sum, value } from "millrace";
import * as z from "zod";
import type { Auction, Bid } from "../../generator/schemas.ts";
import { wholeMean } from "../mean.ts";
import { isAuctionOrBid, nexmark } from "../source.ts";

const averages = lake("q4", { id: bigint, final: bigint });

/** When an auction is open, both ends included. */
const open = z.object({ category: z.int(), from: z.int(), to: z.int() });
const offer = z.object({ price: z.int(), at: z.int() });

/** An auction or a bid, as another stage needs it. */
type Entry = { readonly auction: number; readonly at: number } & (
  { readonly category: number; readonly expires: number } | { readonly category?: undefined; readonly price: number }
);

const entryOf = (event: Auction | Bid): Entry =>
  event.type === "auction"
    ? { auction: event.id, at: event.dateTime, category: event.category, expires: event.expires }
    : { auction: event.auction, at: event.dateTime, price: event.price };

/** Query 4: the mean of the winning bids of each category's auctions. */
export default pipeline("nexmark-q4", (flow) => {
  flow
    .from(nexmark)
    .filter("auctions-and-bids", isAuctionOrBid)
    .map("entries", entryOf)
    .keyBy("auction", { auction: (entry) => entry.auction })
    .process("winning-bids", {
      state: {
        auction: value(open),
        best: value(z.int()),
        /** Bids that came before their auction, from another shard. */
        waiting: list(offer),
      },
      timers: { closed: eventTime, orphaned: eventTime },
      onRecord(entry, { state, timers }) {
        const bid = (price: number) => {
          const best = state.best.get();
          if (best === undefined || price > best) state.best.set(price);
        };
        if (entry.category !== undefined) {
          const { category, at: from, expires: to } = entry;
          state.auction.set({ category, from, to });
          for (const { price, at } of state.waiting.get()) if (at >= from && at <= to) bid(price);
          state.waiting.clear();
          timers.orphaned.clear();
          // Once event time is beyond its end, no bid for it can come.
          timers.closed.set(to + 1);
          return;
        }
        const auction = state.auction.get();
        const { price, at } = entry;
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
