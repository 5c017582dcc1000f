import { bigint, count, hopping, lake, pipeline, timestamp, tumbling } from "millrace";
import * as z from "zod";
import { allHighest } from "../highest.ts";
import { isBid, nexmark } from "../source.ts";

const hotItems = lake("q5", { auction: bigint, num: bigint, windowStart: timestamp, windowEnd: timestamp });

const counted = z.object({ auction: z.int(), num: z.int(), windowStart: z.int(), windowEnd: z.int() });

/** Query 5: the auctions with the most bids within ten seconds, every two seconds. */
export default pipeline("nexmark-q5", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .keyBy("auction", { auction: (bid) => bid.auction })
    .window("bids-per-auction", hopping({ size: { seconds: 10 }, every: { seconds: 2 } }))
    .aggregate({ num: count() })
    .keyBy("all", {})
    // A window's rows happen just before its end: those of one ten seconds, and of no other, fall into these two.
    .window("most-bids", tumbling({ seconds: 2 }))
    .aggregate({ hottest: allHighest({ by: ({ num }) => num, value: (row) => row, schema: counted }) })
    .flatMap("hot-items", ({ hottest }) => hottest)
    .to(hotItems);
});
