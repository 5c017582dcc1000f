import { bigint, lake, pipeline, text } from "millrace";
import { isBid, nexmark } from "../source.ts";

const directories = lake("q22", {
  auction: bigint,
  bidder: bigint,
  price: bigint,
  channel: text,
  dir1: text,
  dir2: text,
  dir3: text,
});

/** Query 22: bids with the directories of their addresses. */
export default pipeline("nexmark-q22", (flow) => {
  flow
    .from(nexmark)
    .filter("bids", isBid)
    .map("directories", ({ auction, bidder, price, channel, url }) => {
      const [, , , dir1 = "", dir2 = "", dir3 = ""] = url.split("/");
      return { auction, bidder, price, channel, dir1, dir2, dir3 };
    })
    .to(directories);
});
